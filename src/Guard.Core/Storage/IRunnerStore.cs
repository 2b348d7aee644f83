using Guard.Core.Pools;
using Guard.Core.Runners;
using Guard.Core.Targets;

namespace Guard.Core.Storage;

/// <summary>Runners, their heartbeats and slots. Atomic, thread-safe, and throwing as <see cref="IActorStore"/>.</summary>
internal interface IRunnerStore
{
    /// <summary>Registers a runner, or renews the live one of the same key. Null when the pool has no runner-config.</summary>
    ValueTask<RunnerRecord?> RegisterAsync(NewRunner runner, CancellationToken cancellationToken);

    /// <summary>Null when the runner is unknown, lost or deleted: it must register again.</summary>
    ValueTask<HeartbeatResult?> HeartbeatAsync(string runnerId, CancellationToken cancellationToken);

    /// <summary>No new actors from now on. False when unknown or stopped.</summary>
    ValueTask<bool> DrainAsync(string runnerId, CancellationToken cancellationToken);

    /// <summary>Stops a runner at once; its actors lose their connection and follow their crash policy. False when unknown or stopped.</summary>
    ValueTask<bool> DeleteAsync(string runnerId, CancellationToken cancellationToken);

    ValueTask<RunnerRecord?> GetAsync(string runnerId, CancellationToken cancellationToken);

    ValueTask<Page<RunnerRecord>> ListAsync(RunnerQuery query, CancellationToken cancellationToken);

    /// <summary>The actors a runner owns, starting ones included; null when unknown or stopped.</summary>
    ValueTask<RunnerActors?> GetActorsAsync(string runnerId, CancellationToken cancellationToken);

    /// <summary>Declares every runner lost whose last heartbeat is older than <paramref name="lostAfter"/>, as
    /// <see cref="DeleteAsync"/> does; static runners never are. Returns those it declared lost.</summary>
    ValueTask<IReadOnlyList<RunnerRecord>> SweepLostAsync(TimeSpan lostAfter, CancellationToken cancellationToken);
}

/// <param name="RunnerId">The id it gets when its key is new.</param>
internal sealed record NewRunner(
    string RunnerId,
    PoolId Pool,
    string Key,
    int Version,
    string Endpoint,
    RunnerProtocol Protocol,
    int TotalSlots,
    bool IsStatic = false);

internal readonly record struct HeartbeatResult(bool Draining, long ActorsVersion);

internal sealed record RunnerQuery(string Namespace, string? Name, bool IncludeStopped, int Limit, string? Cursor);

internal sealed record RunnerActors(long ActorsVersion, IReadOnlyList<RunnerActor> Actors);

internal readonly record struct RunnerActor(ActorId Id, long Generation);
