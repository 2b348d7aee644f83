using Guard.Model.Actors;
using Guard.Model.Pools;

namespace Guard.Core.Errors;

/// <summary>
/// An expected failure, as a value. Born only in <see cref="GuardErrors"/>, written only by <see cref="ErrorWriter"/>. Immutable.
/// </summary>
/// <param name="Group">First half of the code clients act on.</param>
/// <param name="Code">Second half.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Message">For people; carries nothing internal.</param>
internal sealed record GuardError(string Group, string Code, int Status, string Message)
{
    /// <summary>When to try again, at least one second on the wire; null where trying again does not help.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Facts a program can act on; null when there are none.</summary>
    public ErrorMetadata? Metadata { get; init; }

    /// <summary>Close the connection after the answer: what follows on it cannot be trusted.</summary>
    public bool CloseConnection { get; init; }

    /// <summary>Where the request begins and ends is in doubt, so it is no valid handshake either, whatever it says of itself.</summary>
    public bool IsFraming { get; init; }

    /// <summary>What stands in <c>x-rivet-error</c>.</summary>
    public string FullCode { get; } = $"{Group}.{Code}";
}

/// <summary>The members of <c>metadata</c>; each error sets those the catalogue names for it, the rest stay null and are left out.</summary>
internal sealed record ErrorMetadata
{
    public string? Host { get; init; }

    public string? Path { get; init; }

    /// <summary>What is wrong and what is allowed.</summary>
    public string? Detail { get; init; }

    /// <summary>The parameter, header or field at fault.</summary>
    public string? Name { get; init; }

    public string? ActorId { get; init; }

    public string? Namespace { get; init; }

    public string? Pool { get; init; }

    /// <summary>Since when the pool is red, Unix ms.</summary>
    public long? Since { get; init; }

    /// <summary>The cause at pool level; bodies and messages are written only with <c>ExposeErrors</c>.</summary>
    public PoolError? PoolError { get; init; }

    /// <summary>The actor's own failure.</summary>
    public ActorError? Error { get; init; }

    public long? WaitedMs { get; init; }

    public int? Limit { get; init; }

    /// <summary>Which limit, in one word.</summary>
    public string? Scope { get; init; }

    /// <summary>Which step or limit fired.</summary>
    public string? Phase { get; init; }

    public int? Attempts { get; init; }

    public string? LastError { get; init; }

    /// <summary>The exception behind the error; written only with <c>ExposeErrors</c>.</summary>
    public string? Exception { get; init; }
}
