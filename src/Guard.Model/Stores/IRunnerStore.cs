using Guard.Model.Ids;
using Guard.Model.Runners;

namespace Guard.Model.Stores;

/// <summary>Runners, their heartbeats and slots. Atomic, thread-safe, and throwing as <see cref="IActorStore"/>.</summary>
internal interface IRunnerStore
{
    /// <summary>
    /// Registers a runner, or renews the live one of the same key. Null when the pool has no runner-config. In the same step the drains
    /// by version of its pool are computed anew (<see cref="VersionDrain"/>), its own included.
    /// </summary>
    /// <remarks>
    /// Renewed: the runner id, its slots in use, a drain and being static stay; location, version and total slots are replaced,
    /// and it counts as a heartbeat. Its actors are told the new address. With fewer slots than are in use none is left, and none is taken
    /// from an actor. After loss or deletion the same key gets a new record with the id given.
    /// </remarks>
    ValueTask<RunnerRegistration?> RegisterAsync(NewRunner runner, CancellationToken cancellationToken);

    /// <summary>
    /// Null when the runner is unknown, lost or deleted: it must register again. A heartbeat that makes a silent runner eligible again
    /// tells that the pool has capacity.
    /// </summary>
    ValueTask<HeartbeatResult?> HeartbeatAsync(string runnerId, CancellationToken cancellationToken);

    /// <summary>
    /// No new actors from now on; heartbeats say so. False when unknown or stopped; true when draining already. A drain by request is for
    /// good. The actors it has go on until they are evicted (<see cref="IPoolUpkeepStore.EvictAsync"/>). Where it was the newest of its
    /// pool, older ones that drain only because of it serve again.
    /// </summary>
    ValueTask<bool> DrainAsync(string runnerId, CancellationToken cancellationToken);

    /// <summary>
    /// Stops a runner at once, static ones too. Ready actors fail with runner_connection_lost and follow their crash policy, starting
    /// ones go back to sleep for another try; its slots are gone. False when unknown or stopped. Older runners that drain only because of
    /// it serve again.
    /// </summary>
    ValueTask<bool> DeleteAsync(string runnerId, CancellationToken cancellationToken);

    /// <summary>
    /// The heartbeats of runners whose streams a Guard holds, in one round trip; what each is now, in the order given. In the same step a
    /// runner that drains and has no actors left is stopped: nobody can have given it one in between.
    /// </summary>
    ValueTask<IReadOnlyList<StreamState>> BeatAsync(IReadOnlyList<StreamBeat> beats, CancellationToken cancellationToken);

    /// <summary>The runner, lost and deleted ones included for at least an hour (their <c>StopTs</c> is set); null when unknown.</summary>
    ValueTask<RunnerRecord?> GetAsync(string runnerId, CancellationToken cancellationToken);

    /// <summary>A page of a namespace's runners, newest first, with the promises of <see cref="IActorStore.ListAsync"/>.</summary>
    /// <exception cref="FormatException">The cursor is not one of this list.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The limit is not 1 to 1000.</exception>
    ValueTask<Page<RunnerRecord>> ListAsync(RunnerQuery query, CancellationToken cancellationToken);

    /// <summary>The actors a runner owns, starting ones included; null when unknown or stopped.</summary>
    ValueTask<RunnerActors?> GetActorsAsync(string runnerId, CancellationToken cancellationToken);
}

/// <param name="RunnerId">The id it gets when its key is new; one that no runner ever had.</param>
/// <param name="TotalSlots">At least 0.</param>
/// <param name="Stream">The stream that its life is; null for a runner that registers itself.</param>
internal sealed record NewRunner(
    string RunnerId,
    PoolId Pool,
    string Key,
    int Version,
    RunnerLocation Location,
    int TotalSlots,
    bool IsStatic = false,
    RunnerStream? Stream = null);

/// <param name="RunnerId">The runner.</param>
/// <param name="Pool">Its pool.</param>
/// <param name="IsLeaving">Its Guard is about to end: it is to be replaced. Once said it stays.</param>
internal readonly record struct StreamBeat(string RunnerId, PoolId Pool, bool IsLeaving);

internal enum StreamState
{
    Serving,

    /// <summary>It takes no new actors, and still has some.</summary>
    Draining,

    /// <summary>It is stopped or unknown: the stream is of no more use.</summary>
    Ended,
}

/// <param name="Runner">As registered.</param>
/// <param name="DrainedByVersion">Runners of the pool that drain by version since this registration, it itself among them when it came
/// late.</param>
internal sealed record RunnerRegistration(RunnerRecord Runner, IReadOnlyList<RunnerRecord> DrainedByVersion);

internal readonly record struct HeartbeatResult(bool Draining, long ActorsVersion);

/// <param name="Name">The pool; null for all.</param>
/// <param name="IncludeStopped">Also lost and deleted ones.</param>
/// <param name="Limit">1 to 1000.</param>
internal sealed record RunnerQuery(string Namespace, string? Name, bool IncludeStopped, int Limit, string? Cursor);

internal sealed record RunnerActors(long ActorsVersion, IReadOnlyList<RunnerActor> Actors);

internal readonly record struct RunnerActor(ActorId Id, long Generation);
