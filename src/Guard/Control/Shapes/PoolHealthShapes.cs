using System.Text.Json.Serialization;
using Guard.Model.Pools;

namespace Guard.Control.Shapes;

internal sealed record PoolHealthShape
{
    public required string Namespace { get; init; }

    public required string RunnerName { get; init; }

    /// <summary>green or red.</summary>
    public required string State { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ActiveErrorShape? ActiveError { get; init; }

    public required int ConsecutiveSuccesses { get; init; }

    /// <summary>To be compared for equality only; 0 when nobody has reported.</summary>
    public required ulong Epoch { get; init; }

    public required long Version { get; init; }

    public static PoolHealthShape Of(PoolHealthSnapshot health) => new()
    {
        Namespace = health.Pool.Namespace,
        RunnerName = health.Pool.Name,
        State = health.IsRed ? "red" : "green",
        ActiveError = health.ActiveError is { } active ? new ActiveErrorShape(active.Timestamp, active.Error) : null,
        ConsecutiveSuccesses = health.ConsecutiveSuccesses,
        Epoch = health.Epoch,
        Version = health.Seq,
    };
}

/// <param name="Timestamp">Unix ms.</param>
/// <param name="Error">The last one reported.</param>
internal sealed record ActiveErrorShape(long Timestamp, PoolError Error);
