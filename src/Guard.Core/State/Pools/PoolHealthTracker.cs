using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Pools;

/// <summary>
/// What this Guard knows of each pool's health: reads through a cache, one at a time per pool however many ask, kept current by pushed
/// changes. A read that fails means unknown, and unknown is green. Reports each change of colour once, to metrics and log. Thread-safe.
/// </summary>
internal sealed partial class PoolHealthTracker : IChangeSink, IDisposable
{
    /// <summary>How long a pool nobody asks about is remembered.</summary>
    private static readonly TimeSpan IdleTtl = TimeSpan.FromHours(1);

    /// <summary>Red pools are read this often even if nobody waits for them: an expiry that nobody triggers, or a lost push, would keep
    /// the metric red.</summary>
    private static readonly TimeSpan ReviewInterval = TimeSpan.FromSeconds(15);

    /// <summary>The store's own deadline for one read.</summary>
    private static readonly TimeSpan ReadDeadline = TimeSpan.FromSeconds(1);

    private readonly MemoryCache _views;
    private readonly Lock _createGate = new();
    private readonly ConcurrentDictionary<PoolId, bool> _red = new();
    private readonly IPoolHealthStore _store;
    private readonly LiveOptions _options;
    private readonly TimeProvider _time;
    private readonly GuardMetrics _metrics;
    private readonly ILogger<PoolHealthTracker> _logger;
    private readonly ITimer _review;
    private volatile int _gaps;

    public PoolHealthTracker(
        IPoolHealthStore store, LiveOptions options, TimeProvider time, GuardMetrics metrics, ILogger<PoolHealthTracker> logger)
    {
        _store = store;
        _options = options;
        _time = time;
        _metrics = metrics;
        _logger = logger;
        _views = new MemoryCache(new MemoryCacheOptions { Clock = new TimeProviderClock(time), ExpirationScanFrequency = IdleTtl });
        _review = time.CreateTimer(static state => ((PoolHealthTracker)state!).ReviewRed(), this, ReviewInterval, ReviewInterval);
    }

    /// <summary>Raised after every read of the store (a failed one as unknown) and every pushed change that was applied; in order and one
    /// at a time per pool, outside locks.</summary>
    public event Action<PoolHealthSnapshot>? Observed;

    /// <summary>Raised when events may have been lost: whoever relies on push reads again.</summary>
    public event Action? GapHeard;

    /// <summary>The health learned less than <paramref name="ttl"/> ago, without waiting; false when there is none. Allocates nothing.</summary>
    public bool TryGetFresh(PoolId pool, TimeSpan ttl, [NotNullWhen(true)] out PoolHealthSnapshot? health)
    {
        health = null;
        if (_views.TryGetValue(pool, out var view) && ((PoolHealthView)view!).Current is { } answer
            && answer.Gaps == _gaps && _time.GetElapsedTime(answer.Timestamp) < ttl)
        {
            health = answer.Health;
        }

        return health is not null;
    }

    /// <summary>The health, at most <paramref name="ttl"/> old: from the cache or from a read that everybody asking shares. A caller that
    /// cancels leaves the others alone. Never throws but for that cancellation: when the store cannot be read within a second the health
    /// is unknown, which is green.</summary>
    public ValueTask<PoolHealthSnapshot> ReadAsync(PoolId pool, TimeSpan ttl, CancellationToken cancellationToken)
    {
        if (TryGetFresh(pool, ttl, out var health))
        {
            return new(health);
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<PoolHealthSnapshot>(cancellationToken);
        }

        var read = Read(ViewOf(pool), hinted: false);
        return read.IsCompletedSuccessfully ? new(read.Result) : new(JoinAsync(read).WaitAsync(cancellationToken));

        // Whoever limits a wait limits this one: a limit on the shared source itself is met on the thread pool, not where the caller runs.
        static async Task<PoolHealthSnapshot> JoinAsync(Task<PoolHealthSnapshot> read) => await read;
    }

    /// <summary>Makes sure that the health is at most <paramref name="ttl"/> old soon; what is read comes through <see cref="Observed"/>.
    /// Never waits, never throws.</summary>
    public void Refresh(PoolId pool, TimeSpan ttl)
    {
        if (!TryGetFresh(pool, ttl, out _))
        {
            Read(ViewOf(pool), hinted: false);
        }
    }

    /// <summary>Reads now, however fresh the cache: what is known may be out of date. Comes through <see cref="Observed"/>.</summary>
    public void ReadAgain(PoolId pool) => Read(ViewOf(pool), hinted: true);

    /// <inheritdoc/>
    public void PoolHealthChanged(PoolHealthSnapshot health)
    {
        if (!_options.Current.FailFast.Push)
        {
            return;
        }

        var view = ViewOf(health.Pool);
        switch (view.Push(health, _time.GetTimestamp(), _gaps))
        {
            case PoolHealthView.PushResult.Applied:
                TellAll(view);
                break;
            case PoolHealthView.PushResult.Hint:
                Read(view, hinted: true);
                break;
        }
    }

    /// <inheritdoc/>
    public void Gap()
    {
        Interlocked.Increment(ref _gaps);
        foreach (var (pool, _) in _red)
        {
            ReadAgain(pool);
        }

        GapHeard?.Invoke();
    }

    public void Dispose()
    {
        _review.Dispose();
        _views.Dispose();
    }

    private PoolHealthView ViewOf(PoolId pool)
    {
        if (_views.TryGetValue(pool, out var known))
        {
            return (PoolHealthView)known!;
        }

        lock (_createGate)
        {
            return _views.GetOrCreate(pool, static entry =>
            {
                entry.SlidingExpiration = IdleTtl;
                return new PoolHealthView((PoolId)entry.Key);
            })!;
        }
    }

    private Task<PoolHealthSnapshot> Read(PoolHealthView view, bool hinted)
    {
        var read = view.BeginRead(hinted, out var mine);
        if (mine)
        {
            _ = ReadStoreAsync(view, read);
        }

        return read.Task;
    }

    private async Task ReadStoreAsync(PoolHealthView view, TaskCompletionSource<PoolHealthSnapshot> read)
    {
        bool another;
        do
        {
            var ticket = view.Issue(_time.GetTimestamp(), _gaps);
            var health = await TryReadStoreAsync(view.Pool);
            _metrics.PoolHealthRead(health is not null);
            read.SetResult(view.EndRead(ticket, health, out another));
            TellAll(view);
            if (another)
            {
                // Whoever asks from now on shares the next read; if somebody has begun it already, it is theirs.
                read = view.BeginRead(hinted: false, out another);
            }
        }
        while (another);
    }

    private async ValueTask<PoolHealthSnapshot?> TryReadStoreAsync(PoolId pool)
    {
        try
        {
            using var deadline = new CancellationTokenSource(ReadDeadline, _time);
            return await _store.ReadAsync(pool, deadline.Token).AsTask().WaitAsync(deadline.Token);
        }
        catch (Exception e) when (e is StoreException { Kind: StoreFailure.Away } or OperationCanceledException or TimeoutException)
        {
            LogUnreachable(pool);
        }
        catch (Exception e)
        {
            // Rejected, a record that does not parse, or a bug: none may end a hold.
            LogUnreadable(e, pool);
        }

        return null;
    }

    private void TellAll(PoolHealthView view)
    {
        var telling = false;
        while (view.TryTell(ref telling, out var observation))
        {
            try
            {
                if (observation.Before is { } before && before.IsRed != observation.Health.IsRed)
                {
                    ReportColour(observation.Health);
                }

                Observed?.Invoke(observation.Health);
            }
            catch (Exception e)
            {
                // Whoever tells must tell to the end, or nobody would ever tell again.
                LogTellingFailed(e, view.Pool);
            }
        }
    }

    private void ReportColour(PoolHealthSnapshot health)
    {
        _metrics.PoolTurned(health.Pool, health.IsRed);
        if (health.IsRed)
        {
            _red[health.Pool] = true;
            LogRed(health.Pool, LikelyCause(health.ActiveError?.Error), health.Epoch, health.Seq);
        }
        else
        {
            _red.TryRemove(health.Pool, out _);
            LogGreen(health.Pool, WhyGreen(health, _options.Current.PoolHealth), health.Epoch, health.Seq);
        }
    }

    private void ReviewRed()
    {
        foreach (var (pool, _) in _red)
        {
            Refresh(pool, ReviewInterval);
        }
    }
}
