using System.Text.Json.Serialization;
using Guard.Control.Input;

namespace Guard.Control.Shapes;

/// <summary>A line of POST /imports.</summary>
internal record ImportLineShape : ActorCreateShape
{
    // Far above what any actor reaches, and exact as a number of JSON and of Lua.
    private const long MaxGeneration = 1_000_000_000_000_000;

    // The end of the year 9999.
    private const long MaxTime = 253_402_300_799_999;

    /// <summary>The id the actor keeps; without it, its key tells it from others.</summary>
    [ActorId]
    public string? ActorId { get; init; }

    /// <summary>The one it sleeps in; its first start has the next. 0 without it.</summary>
    [Whole(0, MaxGeneration)]
    public long? Generation { get; init; }

    /// <summary>Unix ms; now without it.</summary>
    [Whole(0, MaxTime)]
    public long? CreateTs { get; init; }
}

/// <summary>A line of <c>guard import</c>, which may say where it goes.</summary>
internal sealed record NamedImportLineShape : ImportLineShape
{
    [Label]
    public string? Namespace { get; init; }
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
