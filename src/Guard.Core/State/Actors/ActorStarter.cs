using System.Collections.Concurrent;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Actors;

/// <summary>
/// Starts actors: at most one wake per actor in this Guard, and by the store's compare-and-set at most one start of all Guards
/// (docs/contract.md, section 4, item 4). A wake belongs to nobody's request: a start that was sent runs to its end even when everyone has left.
/// Thread-safe.
/// </summary>
internal sealed partial class ActorStarter(WakeServices services) : IChangeSink
{
    private readonly ConcurrentDictionary<ActorId, Wake> _wakes = new();
    private readonly SlotQueues _slots = new(services.Actors, services.Options, services.Time);

    /// <summary>Whether this Guard is starting the actor now; a wake that waits for a slot is not yet a start.</summary>
    public bool IsStarting(ActorId id) => _wakes.TryGetValue(id, out var wake) && !wake.WantsCapacity;

    /// <summary>Whether a wake of this Guard is under way for the actor, whatever it waits for.</summary>
    public bool IsDriving(ActorId id) => _wakes.ContainsKey(id);

    /// <summary>How many wakes of a pool wait for a slot; for tests.</summary>
    public int CountWaiting(PoolId pool) => _slots.CountOf(pool);

    /// <summary>Joins the wake of the actor, or begins one.</summary>
    /// <param name="id">The actor.</param>
    /// <param name="pool">Its pool.</param>
    /// <param name="unwanted">Fires when nobody waits any more: no further start is begun, one under way goes on.</param>
    public Wake Wake(ActorId id, PoolId pool, CancellationToken unwanted) => Wake(id, pool, waitsForCapacity: true, unwanted);

    /// <summary>The same for a restart that is due: it ends as abandoned where no runner has a slot.</summary>
    public Wake Restart(ActorId id, PoolId pool, CancellationToken unwanted) => Wake(id, pool, waitsForCapacity: false, unwanted);

    private Wake Wake(ActorId id, PoolId pool, bool waitsForCapacity, CancellationToken unwanted)
    {
        while (true)
        {
            if (_wakes.TryGetValue(id, out var running))
            {
                return running;
            }

            var wake = new Wake(id, pool, waitsForCapacity, services.Time);
            var completion = new TaskCompletionSource<WakeOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
            wake.Completion = completion.Task;
            if (_wakes.TryAdd(id, wake))
            {
                _ = RunAsync(wake, completion, unwanted);
                return wake;
            }
        }
    }

    void IChangeSink.ActorChanged(ActorId id, PoolId pool, long revision)
    {
        if (_wakes.TryGetValue(id, out var wake))
        {
            wake.Pulse.Set();
        }
    }

    void IChangeSink.CapacityChanged(PoolId pool) => _slots.CapacityChanged(pool);

    void IChangeSink.Gap()
    {
        foreach (var (_, wake) in _wakes)
        {
            wake.Pulse.Set();
        }
    }

    private async Task RunAsync(Wake wake, TaskCompletionSource<WakeOutcome> completion, CancellationToken unwanted)
    {
        WakeOutcome outcome;
        try
        {
            outcome = await new WakeRun(services, _slots, wake, unwanted).RunAsync();
        }
        catch (Exception e)
        {
            LogWakeBroke(services.Logger, e, wake.Id.ToString());
            outcome = new(WakeStatus.Failed, Error: new(ActorErrorKind.InternalError));
        }

        // First gone from the table, then completed: whoever is released by it and wants another wake begins a new one.
        _wakes.TryRemove(wake.Id, out _);
        _slots.Ended(wake);
        completion.SetResult(outcome);
    }

    [LoggerMessage(EventId = 1, EventName = "WakeBroke", Level = LogLevel.Error, Message = "The wake of actor {ActorId} broke; this is a bug in Guard")]
    private static partial void LogWakeBroke(ILogger logger, Exception exception, string actorId);
}
