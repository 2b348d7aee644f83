using System.Text.Json;
using Guard.Control.Input;

namespace Guard.Control.Shapes;

/// <summary>A seed file: the bodies of the control API, each with its namespace.</summary>
internal sealed record SeedShape
{
    public const int MaxEntries = 1_000_000;

    /// <summary>An object with a <see cref="SeedPoolShape"/> by name, or an array of <see cref="ListedSeedPoolShape"/>.</summary>
    public JsonElement? RunnerConfigs { get; init; }

    [AtMost(MaxEntries)]
    public IReadOnlyList<SeedRunnerShape>? Runners { get; init; }

    [AtMost(MaxEntries)]
    public IReadOnlyList<SeedActorShape>? Actors { get; init; }
}

internal record SeedPoolShape : RunnerConfigPutShape
{
    [Label]
    public string? Namespace { get; init; }
}

internal sealed record ListedSeedPoolShape : SeedPoolShape
{
    [Label]
    public required string RunnerName { get; init; }
}

internal sealed record SeedRunnerShape : RunnerRegisterShape
{
    [Label]
    public string? Namespace { get; init; }
}

internal sealed record SeedActorShape : ActorCreateShape
{
    [ActorId]
    public string? ActorId { get; init; }

    [Label]
    public string? Namespace { get; init; }
}
