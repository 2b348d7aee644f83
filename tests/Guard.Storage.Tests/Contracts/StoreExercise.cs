using System.Collections.Concurrent;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Contracts;

/// <summary>Runs random operations on a store and checks what must hold whatever ran. Running is thread-safe; checking wants quiet.</summary>
internal sealed class StoreExercise(StoreFixture store, CancellationToken ct)
{
    private static readonly PoolId Pool = new("default", "lobbies");
    private static readonly TimeSpan LostAfter = TimeSpan.FromSeconds(15);

    private readonly ConcurrentQueue<ActorId> _actors = new();
    private readonly ConcurrentDictionary<ActorId, ActorRecord> _seen = new();
    private readonly Dictionary<string, (long Version, HashSet<RunnerActor> Actors)> _owned = [];
    private int _runners;

    public async Task PrepareAsync() => await store.Pools.PutAsync(Pool, new PoolConfig(), ct);

    public async Task RunAsync(StoreOperation operation)
    {
        switch (operation.Kind)
        {
            case StoreOperationKind.Create:
                await CreateAsync(operation);
                break;
            case StoreOperationKind.Register:
                await store.Runners.RegisterAsync(
                    new($"r-{Interlocked.Increment(ref _runners)}", Pool, $"key-{operation.Subject % 4}", operation.Choice % 3,
                        new RunnerLocation.Http($"http://127.0.0.1:{9000 + (operation.Choice % 2)}", RunnerProtocol.Http1), operation.Amount, operation.Choice % 10 == 0),
                    ct);
                break;
            case StoreOperationKind.Advance:
                await store.AdvanceAsync(TimeSpan.FromSeconds(operation.Amount * 2));
                break;
            case StoreOperationKind.Sweep:
                await store.SweepLostAsync(LostAfter, ct);
                break;
            case StoreOperationKind.Evict:
                await store.SweepAsync(Pool, TimeSpan.MaxValue, ct);
                foreach (var runner in await RunnersAsync())
                {
                    await store.Upkeep.EvictAsync(
                        new(Pool, new("sweeper", 1), runner.RunnerId, TimeSpan.FromSeconds(operation.Amount), TimeSpan.FromSeconds(operation.Choice * 10), operation.Amount), ct);
                }

                break;
            case StoreOperationKind.Heartbeat or StoreOperationKind.Drain or StoreOperationKind.DeleteRunner:
                await RunOnRunnerAsync(operation);
                break;
            default:
                await RunOnActorAsync(operation);
                break;
        }
    }

    /// <summary>Whether a start must be granted now: somebody is eligible and has a slot.</summary>
    private async Task<bool> HasCapacityAsync()
    {
        var now = store.Now;
        var eligibleAfter = (long)store.Options.Runners.EligibleAfter.TotalMilliseconds;
        return (await RunnersAsync()).Any(r =>
            r is { StopTs: 0, DrainTs: 0, RemainingSlots: > 0 } && (r.IsStatic || now - r.LastPingTs < eligibleAfter));
    }

    /// <summary>Begins a start and checks the answer against the records; only while nothing else runs.</summary>
    public async Task CheckBeginAsync(int subject)
    {
        if (await PickAsync(subject) is not { } actor)
        {
            return;
        }

        var expected = actor.State switch
        {
            var state when ActorLifecycle.IsAtRest(state) => await HasCapacityAsync() ? StartGrantStatus.Granted : StartGrantStatus.NoCapacity,
            ActorState.Starting => StartGrantStatus.StartingElsewhere,
            ActorState.Ready => StartGrantStatus.AlreadyReady,
            ActorState.Stopping => StartGrantStatus.Stopping,
            _ => StartGrantStatus.Destroyed,
        };
        var grant = await store.Actors.TryBeginStartAsync(new(actor.Id, Pool, "g", []), ct);
        Assert.Equal(expected, grant.Status);
        Assert.Equal(actor.Generation + (expected == StartGrantStatus.Granted ? 1 : 0), grant.Actor!.Generation);
    }

    public async Task CheckAsync()
    {
        var actors = new List<ActorRecord>();
        foreach (var id in _actors)
        {
            var actor = (await store.Actors.GetAsync(id, ct))!;
            actors.Add(actor);
            Assert.Equal(ActorLifecycle.HoldsSlot(actor.State), actor.Runner is not null);
            Assert.Equal(actor.State == ActorState.Stopping, actor.StopDeadlineTs != 0);
            Assert.Equal(actor.State == ActorState.Crashed, actor is { State: not ActorState.Destroyed and not ActorState.Starting, Error: { Kind: not ActorErrorKind.NoCapacity } });
            Assert.True(actor.RescheduleTs == 0 || (ActorLifecycle.IsAtRest(actor.State) && actor.CrashPolicy == CrashPolicy.Restart));
            if (_seen.TryGetValue(id, out var before))
            {
                Assert.True(actor.Revision >= before.Revision);
                Assert.True(actor.Generation >= before.Generation);
                Assert.Equal(actor.Revision == before.Revision, actor with { Input = null } == before with { Input = null });
                Assert.True(before.State != ActorState.Destroyed || actor.Revision == before.Revision);
            }

            _seen[id] = actor;
        }

        await CheckRunnersAsync(actors);
        await CheckKeysAsync(actors);
    }

    private async Task CheckRunnersAsync(List<ActorRecord> actors)
    {
        var holders = actors.Where(a => a.Runner is not null).ToLookup(a => a.Runner!.RunnerId);
        var runners = await RunnersAsync();
        foreach (var runner in runners)
        {
            var used = holders[runner.RunnerId].ToArray();
            var owned = await store.Runners.GetActorsAsync(runner.RunnerId, ct);
            if (runner.StopTs != 0)
            {
                Assert.Null(owned);
                Assert.Empty(used);
                Assert.Equal(0, runner.RemainingSlots);
                continue;
            }

            Assert.Equal(Math.Max(0, runner.TotalSlots - used.Length), runner.RemainingSlots);
            Assert.All(used, a => Assert.Equal(runner.Address, a.Runner));
            var now = owned!.Actors.ToHashSet();
            Assert.Equal(used.Select(a => new RunnerActor(a.Id, a.Generation)).ToHashSet(), now);
            if (_owned.TryGetValue(runner.RunnerId, out var before) && !before.Actors.SetEquals(now))
            {
                Assert.True(owned.ActorsVersion > before.Version);
            }

            _owned[runner.RunnerId] = (owned.ActorsVersion, now);
        }

        Assert.Subset(runners.Select(r => r.RunnerId).ToHashSet(), holders.Select(h => h.Key).ToHashSet());
    }

    private async Task CheckKeysAsync(List<ActorRecord> actors)
    {
        foreach (var key in actors.Where(a => a.Key is not null).GroupBy(a => a.Key!))
        {
            var live = key.Where(a => a.State != ActorState.Destroyed).ToArray();
            Assert.InRange(live.Length, 0, 1);
            Assert.Equal(live.FirstOrDefault()?.Id, (await store.Actors.FindAsync("default", "lobby", key.Key, ct))?.Id);
        }
    }

    private async Task CreateAsync(StoreOperation operation)
    {
        var key = operation.Choice % 2 == 0 ? null : $"k{operation.Subject % 5}";
        var policy = (CrashPolicy)(operation.Amount % 3);
        var result = await store.Actors.CreateAsync(new(ActorId.New(1), Pool, "lobby", key, policy, [1]), ct);
        if (result.Status == CreateActorStatus.Created)
        {
            _actors.Enqueue(result.Actor!.Id);
        }
    }

    private async Task RunOnRunnerAsync(StoreOperation operation)
    {
        var runners = await RunnersAsync();
        if (runners.Count == 0)
        {
            return;
        }

        var runner = runners[operation.Subject % runners.Count].RunnerId;
        _ = operation.Kind switch
        {
            StoreOperationKind.Heartbeat => await store.Runners.HeartbeatAsync(runner, ct) is not null,
            StoreOperationKind.Drain => await store.Runners.DrainAsync(runner, ct),
            _ => await store.Runners.DeleteAsync(runner, ct),
        };
    }

    private async Task RunOnActorAsync(StoreOperation operation)
    {
        if (await PickAsync(operation.Subject) is not { } actor)
        {
            return;
        }

        // Mostly the generation there is, now and then one that was or will be.
        var generation = actor.Generation + (operation.Choice % 8 == 0 ? operation.Amount - 2 : 0);
        var runner = operation.Choice % 9 == 0 ? "nobody" : actor.Runner?.RunnerId ?? "nobody";
        _ = operation.Kind switch
        {
            StoreOperationKind.Begin => await store.Actors.TryBeginStartAsync(new(actor.Id, Pool, "g", []), ct) is { Actor: null },
            StoreOperationKind.TakeOver => await store.Actors.TryBeginStartAsync(
                new(actor.Id, Pool, "g", operation.Amount == 0 ? [runner] : [], generation), ct) is { Actor: null },
            StoreOperationKind.CommitReady => (await store.Actors.CommitReadyAsync(actor.Id, Pool, generation, ct)).Result == TransitionResult.Ok,
            StoreOperationKind.StartFailed => await store.Actors.CommitStartFailedAsync(
                actor.Id, Pool, generation, new(ActorErrorKind.RunnerNoResponse, runner), operation.Amount % 2 == 0, ct) == TransitionResult.Ok,
            StoreOperationKind.Stopped => await store.Actors.CommitStoppedAsync(actor.Id, Pool, generation, ct) == TransitionResult.Ok,
            StoreOperationKind.Disowned => await store.Actors.CommitDisownedAsync(actor.Id, Pool, generation, ct) == TransitionResult.Ok,
            StoreOperationKind.Destroy => await store.Actors.DestroyAsync(actor.Id, ct) is null,
            _ => await store.Actors.ApplyEventAsync(
                runner, new(actor.Id, generation, (RunnerEventKind)operation.Amount, "m"), ct) == RunnerEventResult.Ok,
        };
    }

    private async Task<ActorRecord?> PickAsync(int subject)
    {
        var all = _actors.ToArray();
        return all.Length == 0 ? null : await store.Actors.GetAsync(all[subject % all.Length], ct);
    }

    private async Task<IReadOnlyList<RunnerRecord>> RunnersAsync()
        => (await store.Runners.ListAsync(new("default", null, true, 1000, null), ct)).Items;
}
