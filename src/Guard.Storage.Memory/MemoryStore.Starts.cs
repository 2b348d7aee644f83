using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Storage.Memory;

internal sealed partial class MemoryStore
{
    /// <inheritdoc/>
    public ValueTask<StartGrant> TryBeginStartAsync(StartRequest request, CancellationToken cancellationToken)
    {
        if (Find(request.Id, request.Pool) is not { } entry)
        {
            return new(new StartGrant(StartGrantStatus.NotFound, null));
        }

        // Random text is not made under the lock.
        var startId = ActorId.New(request.Id.Label).ToString();
        var changes = new StoreChanges(entry.Pool);
        StartGrant grant;
        lock (entry.Pool.Gate)
        {
            grant = BeginStart(entry, request, startId, changes);
        }

        Finish(changes);
        return new(grant);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlySet<ActorId>> RenewPendingAsync(PoolId pool, IReadOnlyCollection<ActorId> ids, CancellationToken cancellationToken)
    {
        var moved = new HashSet<ActorId>();
        foreach (var id in ids)
        {
            if (Find(id, pool) is not { } entry)
            {
                moved.Add(id);
                continue;
            }

            lock (entry.Pool.Gate)
            {
                if (entry.Record.State == ActorState.Pending)
                {
                    entry.Pool.Pend(entry, time.GetTimestamp());
                }
                else
                {
                    moved.Add(id);
                }
            }
        }

        return new(moved);
    }

    /// <inheritdoc/>
    public ValueTask<ReadyCommit> CommitReadyAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken)
        => new(Transition(id, pool, actor => ActorLifecycle.CommitReady(actor, generation, Now)));

    /// <inheritdoc/>
    public ValueTask<TransitionResult> CommitStartFailedAsync(
        ActorId id, PoolId pool, long generation, ActorError error, bool final, CancellationToken cancellationToken)
        => new(Transition(id, pool, actor => ActorLifecycle.StartFailed(actor, generation, error, final, Restart, Now)).Result);

    /// <inheritdoc/>
    public ValueTask<TransitionResult> CommitDisownedAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken)
        => new(Transition(id, pool, actor => ActorLifecycle.Disowned(actor, generation, Restart, Now)).Result);

    /// <inheritdoc/>
    public ValueTask<TransitionResult> CommitStoppedAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken)
        => new(Transition(id, pool, actor => ActorLifecycle.CommitStopped(actor, generation, Now)).Result);

    /// <inheritdoc/>
    public ValueTask<RunnerEventResult> ApplyEventAsync(string runnerId, RunnerEvent runnerEvent, CancellationToken cancellationToken)
    {
        if (!_actors.TryGetValue(runnerEvent.Actor, out var entry))
        {
            return new(RunnerEventResult.Unknown);
        }

        var changes = new StoreChanges(entry.Pool);
        RunnerEventResult result;
        lock (entry.Pool.Gate)
        {
            (result, var next) = ActorLifecycle.Apply(entry.Record, runnerId, runnerEvent, Restart, Now);
            Apply(entry, next, changes);
        }

        Finish(changes);
        return new(result);
    }

    private StartGrant BeginStart(ActorEntry entry, StartRequest request, string startId, StoreChanges changes)
    {
        var actor = entry.Record;
        var status = ActorLifecycle.CheckStart(actor, request.TakeOverGeneration);
        if (status != StartGrantStatus.Granted)
        {
            return new(status, actor);
        }

        var pool = entry.Pool;
        var replaced = actor.State == ActorState.Starting ? actor : null;

        // The slot of a generation that is replaced counts as free: it may be the only one.
        var candidates = pool.Runners.Select(r => Candidate(r, ownSlot: r.Record.RunnerId == replaced?.Runner!.RunnerId));
        var tried = request.Tried ?? [];
        if (RunnerAllocator.Choose(candidates, [.. request.Exclude, .. tried], rules().EligibleAfter, _random) is not { } runner)
        {
            if (replaced is null)
            {
                pool.Apply(entry, ActorLifecycle.AwaitCapacity(actor, Restart, Now), changes);
                pool.Pend(entry, time.GetTimestamp());
                changes.CapacityWanted = !request.IsRepeat;
            }

            return new(StartGrantStatus.NoCapacity, entry.Record, HasUntried: tried.Count > 0 && pool.Runners.Any(
                r => r.Record.TotalSlots > 0 && RunnerAllocator.IsEligible(Candidate(r), rules().EligibleAfter) && !tried.Contains(r.Record.RunnerId)));
        }

        pool.Apply(entry, ActorLifecycle.BeginStart(actor, runner.Address, request.Starter, startId, Now), changes);
        return new(StartGrantStatus.Granted, entry.Record, _runners[runner.RunnerId].Record, replaced);
    }

    private ActorEntry? Find(ActorId id, PoolId pool)
        => _actors.TryGetValue(id, out var entry) && entry.Pool.Id.Equals(pool) ? entry : null;

    /// <summary>Applies a step of a generation, and counts the success of one that becomes ready by it. Call under the pool's lock.</summary>
    private void Apply(ActorEntry entry, ActorRecord next, StoreChanges changes)
    {
        var becomesReady = next.State == ActorState.Ready && entry.Record.State != ActorState.Ready;
        entry.Pool.Apply(entry, next, changes);
        if (becomesReady)
        {
            changes.Health = countSuccess(entry.Pool.Id);
        }
    }

    private ReadyCommit Transition(ActorId id, PoolId pool, Func<ActorRecord, ActorRecord?> transition)
    {
        if (Find(id, pool) is not { } entry)
        {
            return new(TransitionResult.NotFound, null);
        }

        var changes = new StoreChanges(entry.Pool);
        ActorRecord after;
        lock (entry.Pool.Gate)
        {
            if (transition(entry.Record) is not { } next)
            {
                return new(TransitionResult.Stale, entry.Record);
            }

            Apply(entry, next, changes);
            after = entry.Record;
        }

        Finish(changes);
        return new(TransitionResult.Ok, after);
    }
}
