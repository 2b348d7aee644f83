using System.Text.Json.Serialization;

namespace Guard.Control.Shapes;

/// <summary>A line of POST /imports. For the OpenAPI document: <see cref="Import.ImportInput"/> reads it.</summary>
internal sealed record ImportLineShape
{
    /// <summary>The id the actor keeps; without it, its key tells it from others.</summary>
    public string? ActorId { get; init; }

    public required string Name { get; init; }

    /// <summary>Serialised.</summary>
    public string? Key { get; init; }

    public required string RunnerNameSelector { get; init; }

    /// <summary>sleep, restart or destroy.</summary>
    public string? CrashPolicy { get; init; }

    /// <summary>Base64.</summary>
    public string? Input { get; init; }

    public string? Datacenter { get; init; }

    /// <summary>The one it sleeps in; its first start has the next. 0 without it.</summary>
    public long? Generation { get; init; }

    /// <summary>Unix ms; now without it.</summary>
    public long? CreateTs { get; init; }
}

/// <param name="Errors">The first 100 bad lines.</param>
/// <param name="Complete">False when the store could not be written: send the body again.</param>
/// <param name="Seconds">It took.</param>
internal sealed record ImportReply(
    long Lines, long Created, long Existed, long Bad, IReadOnlyList<ImportErrorShape> Errors, bool Complete, double Seconds)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? StoppedBecause { get; init; }
}

internal sealed record ImportErrorShape(long Line, string Reason);
