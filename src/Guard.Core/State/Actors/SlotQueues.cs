using Guard.Core.Options;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Core.State.Actors;

/// <summary>
/// The wakes of this Guard that wait for a slot, by pool. They want the same of the store, so they do not ask it each for itself: in every
/// <c>Readiness:RepairInterval</c>, and when the pool is said to have room, the one that has waited longest asks, and each that is granted a
/// slot sends the next two. One call in each interval keeps the others pending, and tells which of their actors have changed without a
/// word. So what waiting costs grows with the pools, not with the actors, and a slot that falls free is not asked for by all. Thread-safe.
/// </summary>
internal sealed class SlotQueues(IActorStore actors, LiveOptions options, TimeProvider time)
{
    /// <summary>How many follow one that found room: a new runner fills in few rounds, and a single slot is asked for by three.</summary>
    private const int Followers = 2;

    private readonly Lock _gate = new();
    private readonly Dictionary<PoolId, Queue> _queues = [];
    private long _lastTicket;

    /// <summary>Waits for the turn of a wake that was just refused a slot, or for a pulse of its own; never throws.</summary>
    public async ValueTask WaitAsync(ActorWake wake)
    {
        var queue = Enter(wake);
        await wake.Pulse.WaitAsync(Timeout.InfiniteTimeSpan, CancellationToken.None);
        lock (_gate)
        {
            queue.Waiting.Remove(wake);
        }
    }

    /// <summary>Call when the wake has asked: who was not refused leaves the turn, or the room there is, to the next.</summary>
    public void Asked(ActorWake wake, StartGrantStatus answer)
    {
        var hadTurn = wake.HasTurn;
        wake.HasTurn = false;
        if (answer == StartGrantStatus.Granted && wake.WantsCapacity)
        {
            Send(wake.Pool, Followers);
        }
        else if (hadTurn && answer != StartGrantStatus.NoCapacity)
        {
            Send(wake.Pool, 1);
        }
    }

    /// <summary>Call when the wake has ended: a turn it did not come to use goes to the next.</summary>
    public void Ended(ActorWake wake)
    {
        if (wake.HasTurn)
        {
            Send(wake.Pool, 1);
        }
    }

    /// <summary>The pool may have a free slot.</summary>
    public void CapacityChanged(PoolId pool) => Send(pool, 1);

    /// <summary>How many of a pool wait and do not ask; for tests.</summary>
    public int CountOf(PoolId pool)
    {
        lock (_gate)
        {
            return _queues.TryGetValue(pool, out var queue) ? queue.Waiting.Count : 0;
        }
    }

    private Queue Enter(ActorWake wake)
    {
        Queue? queue;
        lock (_gate)
        {
            wake.Ticket = wake.Ticket == 0 ? ++_lastTicket : wake.Ticket;
            if (!_queues.TryGetValue(wake.Pool, out queue))
            {
                _queues.Add(wake.Pool, queue = new());
                _ = RepairAsync(wake.Pool, queue);
            }

            if (queue.Unused > 0)
            {
                // There was room while this one asked, and nobody else to send.
                queue.Unused--;
                wake.HasTurn = true;
            }
            else
            {
                queue.Waiting.Add(wake);
                return queue;
            }
        }

        wake.Pulse.Set();
        return queue;
    }

    private void Send(PoolId pool, int count)
    {
        List<ActorWake> sent = [];
        lock (_gate)
        {
            if (!_queues.TryGetValue(pool, out var queue))
            {
                return;
            }

            for (; count > 0 && queue.Waiting.Min is { } first; count--)
            {
                queue.Waiting.Remove(first);
                first.HasTurn = true;
                sent.Add(first);
            }

            queue.Unused = count;
        }

        foreach (var wake in sent)
        {
            wake.Pulse.Set();
        }
    }

    /// <summary>For as long as somebody waits for a slot of the pool. Never throws.</summary>
    private async Task RepairAsync(PoolId pool, Queue queue)
    {
        while (true)
        {
            await Task.Delay(options.Current.Readiness.RepairInterval, time);
            ActorWake first;
            ActorWake[] others;
            lock (_gate)
            {
                if (queue.Waiting.Min is not { } longest)
                {
                    _queues.Remove(pool);
                    return;
                }

                first = longest;
                queue.Waiting.Remove(first);
                first.HasTurn = true;
                queue.Unused = 0;
                others = [.. queue.Waiting];
            }

            first.Pulse.Set();

            foreach (var some in others.Chunk(IActorStore.MostRenewed))
            {
                await RenewAsync(pool, some);
            }
        }
    }

    private async Task RenewAsync(PoolId pool, ActorWake[] wakes)
    {
        try
        {
            var changed = await actors.RenewPendingAsync(pool, [.. wakes.Select(w => w.Id)], CancellationToken.None);
            foreach (var wake in wakes)
            {
                wake.StoreDown = false;
                if (changed.Contains(wake.Id))
                {
                    wake.Pulse.Set();
                }
            }
        }
        catch (StoreException e) when (e.Kind == StoreFailure.Away)
        {
            foreach (var wake in wakes)
            {
                wake.StoreDown = true;
            }
        }
        catch (Exception)
        {
            // Rejected, a reply that cannot be read, or a bug. Whoever waits must not depend on it: each asks, and tells what comes of that.
            foreach (var wake in wakes)
            {
                wake.Pulse.Set();
            }
        }
    }

    private sealed class Queue
    {
        private static readonly Comparer<ActorWake> ByTicket = Comparer<ActorWake>.Create(static (a, b) => a.Ticket.CompareTo(b.Ticket));

        /// <summary>In the order they were first refused.</summary>
        public SortedSet<ActorWake> Waiting { get; } = new(ByTicket);

        /// <summary>Turns that found nobody.</summary>
        public int Unused { get; set; }
    }
}
