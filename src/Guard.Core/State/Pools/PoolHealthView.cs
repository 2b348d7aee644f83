using Guard.Model.Ids;
using Guard.Model.Pools;

namespace Guard.Core.State.Pools;

/// <summary>
/// What this Guard knows of one pool's health, and the rules (docs/contract.md, section 4) by which versions replace each other. Two things are
/// kept apart: what is <i>held</i> (the last version accepted, which a failed read does not touch) and the <i>answer</i> given to requests
/// (what is held, or unknown after a failed read). Thread-safe; the answer is read without a lock.
/// </summary>
internal sealed class PoolHealthView(PoolId pool)
{
    private readonly Lock _gate = new();

    // In the order accepted. Told by one thread at a time, outside the lock, so that nobody hears an older state after a newer one.
    private readonly Queue<Observation> _untold = new();
    private volatile Answer? _answer;
    private PoolHealthSnapshot _held = PoolHealthSnapshot.Unknown(pool);
    private long _accepted;
    private TaskCompletionSource<PoolHealthSnapshot>? _read;
    private bool _readAgain;
    private bool _telling;

    /// <summary>What became of a pushed change.</summary>
    internal enum PushResult
    {
        /// <summary>It is what is held now.</summary>
        Applied,

        /// <summary>Exactly what is held already.</summary>
        Known,

        /// <summary>It cannot be ordered after what is held: read.</summary>
        Hint,
    }

    public PoolId Pool { get; } = pool;

    /// <summary>The last answer; null before the first.</summary>
    public Answer? Current => _answer;

    /// <summary>Joins the read under way or begins one.</summary>
    /// <param name="hinted">Whether a read that began before now is not enough: then another follows the one under way.</param>
    /// <param name="mine">Whether the caller must do the read and end it with <see cref="EndRead"/>.</param>
    public TaskCompletionSource<PoolHealthSnapshot> BeginRead(bool hinted, out bool mine)
    {
        lock (_gate)
        {
            mine = _read is null;
            _readAgain |= hinted && !mine;
            return _read ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Taken when the store is asked: what was accepted until then.</summary>
    public Ticket Issue(long timestamp, int gaps)
    {
        lock (_gate)
        {
            return new Ticket(_accepted, timestamp, gaps);
        }
    }

    /// <summary>
    /// Ends a read. A read issued after the last version was accepted replaces what is held, whatever its version (the store is the
    /// truth, even one restored from a backup). If a push was accepted meanwhile, the higher version of the same epoch stays; across epochs
    /// only another read can tell. A failed read makes the answer unknown unless a push overtook it.
    /// </summary>
    /// <param name="ticket">From <see cref="Issue"/>.</param>
    /// <param name="read">What the store said; null when it could not be read.</param>
    /// <param name="readAgain">Whether another read must follow.</param>
    public PoolHealthSnapshot EndRead(Ticket ticket, PoolHealthSnapshot? read, out bool readAgain)
    {
        lock (_gate)
        {
            readAgain = _readAgain;
            var overtaken = _accepted != ticket.Accepted;
            if (read is null)
            {
                if (!overtaken)
                {
                    Tell(new Answer(PoolHealthSnapshot.Unknown(Pool), ticket.Timestamp, ticket.Gaps), null);
                }
            }
            else if (!overtaken || (read.Epoch == _held.Epoch && read.Seq >= _held.Seq))
            {
                Accept(read, ticket.Timestamp, ticket.Gaps);
            }
            else
            {
                readAgain |= read.Epoch != _held.Epoch;
            }

            _readAgain = false;
            _read = null;
            return _answer!.Health;
        }
    }

    /// <summary>Applies a pushed change when it has the same epoch as what is held and a higher version.</summary>
    public PushResult Push(PoolHealthSnapshot health, long timestamp, int gaps)
    {
        lock (_gate)
        {
            if (health.Epoch == _held.Epoch && health.Seq > _held.Seq)
            {
                Accept(health, timestamp, gaps);
                return PushResult.Applied;
            }

            return ReferenceEquals(_answer?.Health, _held) && health == _held ? PushResult.Known : PushResult.Hint;
        }
    }

    /// <summary>Gives what has not been told yet, one by one; false when there is nothing or another thread is telling. A caller that got
    /// true must call until it gets false.</summary>
    /// <param name="telling">False at first, then as it was left.</param>
    /// <param name="observation">What to tell.</param>
    public bool TryTell(ref bool telling, out Observation observation)
    {
        lock (_gate)
        {
            observation = default;
            if (_telling && !telling)
            {
                return false;
            }

            telling = _telling = _untold.TryDequeue(out observation);
            return telling;
        }
    }

    private void Accept(PoolHealthSnapshot health, long timestamp, int gaps)
    {
        var before = _held;
        _held = health;
        _accepted++;
        Tell(new Answer(health, timestamp, gaps), before);
    }

    private void Tell(Answer answer, PoolHealthSnapshot? before)
    {
        _answer = answer;
        _untold.Enqueue(new Observation(answer.Health, before));
    }

    /// <param name="Health">What requests are told.</param>
    /// <param name="Timestamp">When the store was asked, or the push came.</param>
    /// <param name="Gaps">How many gaps in the feed this Guard had seen by then.</param>
    internal sealed record Answer(PoolHealthSnapshot Health, long Timestamp, int Gaps);

    internal readonly record struct Ticket(long Accepted, long Timestamp, int Gaps);

    /// <param name="Health">The answer from now on.</param>
    /// <param name="Before">What was held before; null when nothing was accepted (a failed read).</param>
    internal readonly record struct Observation(PoolHealthSnapshot Health, PoolHealthSnapshot? Before);
}
