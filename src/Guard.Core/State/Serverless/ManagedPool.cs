using System.Diagnostics.CodeAnalysis;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Core.State.Serverless;

/// <summary>What this Guard knows of a pool it manages, from take-over to hand-over. Looks are taken by one caller at a time; connects end
/// on any thread, and what they share with looks is under one lock.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "Lost ends what it owns; the cancelled source holds nothing")]
internal sealed class ManagedPool(PoolId id, string terms, TimeProvider time, Random random)
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _lost = new();
    private readonly Dictionary<string, ConnectAttempt> _attempts = [];
    private readonly ConnectBackoff _backoff = new(time, random);
    private volatile IReadOnlyList<StreamRunner> _established = [];
    private readonly AnnouncedVersion _version = new(time);
    private PoolError? _failure;
    private MetadataFault? _metadataFault;
    private long _readAt = time.GetTimestamp();
    private bool _isReading;

    public PoolId Id { get; } = id;

    /// <summary>What it connects with; with others nothing of this holds any more.</summary>
    public string Terms { get; } = terms;

    public PeakDemand Peak { get; } = new(time);

    /// <summary>The probe of the pool's health that a connect was granted for last.</summary>
    public long ProbeUsed { get; set; }

    /// <summary>Fires when this is over.</summary>
    public CancellationToken Unwanted => _lost.Token;

    /// <summary>What the endpoint announces and is believed; null otherwise.</summary>
    public int? NewVersion
    {
        get
        {
            lock (_gate)
            {
                return _version.Believed;
            }
        }
    }

    /// <summary>Until the next connect may be begun, but for a probe's.</summary>
    public TimeSpan Wait
    {
        get
        {
            lock (_gate)
            {
                return _backoff.Left;
            }
        }
    }

    /// <summary>True when metadata is due to be read: not for an interval, and not now. <see cref="EndRead"/> ends it.</summary>
    public bool TryBeginRead(TimeSpan interval)
    {
        lock (_gate)
        {
            if (_isReading || time.GetElapsedTime(_readAt) < interval)
            {
                return false;
            }

            _readAt = time.GetTimestamp();
            return _isReading = true;
        }
    }

    public void EndRead()
    {
        lock (_gate)
        {
            _isReading = false;
        }
    }

    /// <summary>See <see cref="AnnouncedVersion.Read"/>.</summary>
    public Announcement MetadataRead(int version, int highest)
    {
        lock (_gate)
        {
            _metadataFault = null;
            return _version.Read(version, highest);
        }
    }

    /// <summary>True when it was a different fault, or none, before.</summary>
    public bool MetadataFailed(MetadataFault fault)
    {
        lock (_gate)
        {
            var isNew = _metadataFault != fault;
            _metadataFault = fault;
            return isNew;
        }
    }

    /// <summary>See <see cref="AnnouncedVersion.Connected"/>.</summary>
    public bool Connected(ConnectAttempt attempt, int version)
    {
        lock (_gate)
        {
            return _version.Connected(version, attempt.Begun);
        }
    }

    /// <summary>Begins a look: forgets attempts whose runners are there, or that ended; how many are still under way.</summary>
    /// <param name="streams">Those of the sweep.</param>
    public int Look(IReadOnlyList<StreamRunner> streams)
    {
        _established = streams;
        lock (_gate)
        {
            foreach (var stream in streams)
            {
                _attempts.Remove(stream.RunnerId);
            }

            return _attempts.Count;
        }
    }

    /// <summary>There was a stream of the pool, other than this attempt's, at the last look.</summary>
    public bool IsEstablishedBeside(ConnectAttempt attempt) => _established.Any(s => s.RunnerId != attempt.RunnerId);

    /// <summary>How many of the connects wanted may be begun now.</summary>
    /// <param name="wanted">At least 0.</param>
    /// <param name="isProbe">One may be begun in spite of a wait.</param>
    public int Allow(int wanted, bool isProbe)
    {
        lock (_gate)
        {
            if (!_backoff.IsFailing)
            {
                return wanted;
            }

            // One at a time: its end tells how to go on.
            var may = _attempts.Count == 0 && (isProbe || _backoff.Left == TimeSpan.Zero);
            return may ? Math.Min(wanted, 1) : 0;
        }
    }

    public ConnectAttempt Begin(string runnerId)
    {
        var attempt = new ConnectAttempt(runnerId, Terms, time.GetTimestamp(), _lost.Token);
        lock (_gate)
        {
            _attempts.Add(runnerId, attempt);
        }

        return attempt;
    }

    /// <summary>The attempt came to nothing, or its stream has ended.</summary>
    public void End(ConnectAttempt attempt)
    {
        lock (_gate)
        {
            _attempts.Remove(attempt.RunnerId);
        }
    }

    /// <summary>True when it was a different failure, or none, before.</summary>
    public bool Failed(ConnectAttempt attempt, PoolError error)
    {
        lock (_gate)
        {
            _attempts.Remove(attempt.RunnerId);
            _backoff.Failed(attempt.Begun);
            var isNew = _failure?.Kind != error.Kind || _failure.StatusCode != error.StatusCode;
            _failure = error;
            return isNew;
        }
    }

    /// <summary>True when connects failed before.</summary>
    public bool Succeeded(ConnectAttempt attempt)
    {
        lock (_gate)
        {
            _backoff.Succeeded(attempt.Begun);
            var hadFailed = _failure is not null && !_backoff.IsFailing;
            _failure = _backoff.IsFailing ? _failure : null;
            return hadFailed;
        }
    }

    /// <summary>A stream ended by itself soon after its init: no reason to open the next at once.</summary>
    /// <param name="attempt">The connect it came of.</param>
    /// <param name="isFailure">So soon that it is an error of the pool.</param>
    public void EndedSoon(ConnectAttempt attempt, bool isFailure)
    {
        lock (_gate)
        {
            if (isFailure)
            {
                _backoff.Failed(attempt.Begun);
            }
            else
            {
                _backoff.EndedSoon(attempt.Begun);
            }
        }
    }

    /// <summary>Another Guard manages the pool, or nobody, or its endpoint has changed: what is being opened is given up.</summary>
    public void Lost() => _lost.Cancel();
}
