using System.Collections.Concurrent;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Pools;
using Guard.Core.Storage;
using Guard.Core.Targets;

namespace Guard.Core.Routing;

/// <summary>
/// Routes this Guard has met, by actor id and by name and key. Hits are synchronous and allocate nothing. At most
/// <c>RouteCache:MaxEntries</c>, kept by a clock sweep: an entry nobody used since the last round goes. Thread-safe.
/// </summary>
internal sealed class RouteCache : IChangeSink
{
    private readonly ConcurrentDictionary<ActorId, RouteEntry> _entries = new();
    private readonly ConcurrentDictionary<string, ActorId> _names = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ActorId>.AlternateLookup<ReadOnlySpan<char>> _namesBySpan;

    // Names known to have no actor, until the time given. Few and short-lived; emptied whenever an actor is created.
    private readonly ConcurrentDictionary<string, long> _missingNames = new(StringComparer.Ordinal);
    private readonly LiveOptions _options;
    private readonly GuardMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly Lock _sweep = new();

    // Where the last sweep ended: the next goes on from there, or the same few would go each time. Under the lock.
    private IEnumerator<KeyValuePair<ActorId, RouteEntry>>? _hand;
    private int _count;

    public RouteCache(LiveOptions options, GuardMetrics metrics, TimeProvider time)
    {
        _options = options;
        _metrics = metrics;
        _time = time;
        _namesBySpan = _names.GetAlternateLookup<ReadOnlySpan<char>>();
        metrics.Registry.AddBeforeCollectCallback(() => metrics.RouteCacheEntries.Set(Volatile.Read(ref _count)));
    }

    /// <summary>Entries now; for tests.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The current, unexpired route of an actor; null on a miss.</summary>
    /// <param name="id">The actor.</param>
    /// <param name="now">A timestamp of the time provider.</param>
    /// <param name="knownMissing">The actor is known not to exist, for <c>RouteCache:NegativeTtl</c>.</param>
    public ActorRoute? Find(ActorId id, long now, out bool knownMissing)
    {
        knownMissing = false;
        if (!_entries.TryGetValue(id, out var entry))
        {
            _metrics.Lookups.Miss.Inc();
            return null;
        }

        if (!entry.Touched)
        {
            entry.Touched = true;
        }

        var route = entry.Route;
        var cachedAt = entry.CachedAt;
        var options = _options.Current.RouteCache;
        if (cachedAt == long.MinValue || !entry.IsCurrent
            || _time.GetElapsedTime(cachedAt, now) >= (route is null ? options.NegativeTtl : options.Ttl))
        {
            _metrics.Lookups.Miss.Inc();
            return null;
        }

        if (route is null)
        {
            knownMissing = true;
            _metrics.Lookups.Negative.Inc();
            return null;
        }

        _metrics.Lookups.Hit.Inc();
        return route;
    }

    /// <summary>The id last found under a name key (see <see cref="NameKeys"/>).</summary>
    public bool TryFindId(ReadOnlySpan<char> nameKey, out ActorId id) => _namesBySpan.TryGetValue(nameKey, out id);

    /// <summary>The entry of an actor, made when it is not there.</summary>
    public RouteEntry Entry(ActorId id)
    {
        while (true)
        {
            if (_entries.TryGetValue(id, out var entry))
            {
                return entry;
            }

            entry = new RouteEntry(id);
            entry.Expire();
            if (_entries.TryAdd(id, entry))
            {
                if (Interlocked.Increment(ref _count) > _options.Current.RouteCache.MaxEntries)
                {
                    Sweep();
                }

                return entry;
            }
        }
    }

    public void Put(ActorRoute route) => Entry(route.Id).Put(route, _time.GetTimestamp());

    /// <summary>Puts a route that was found under a name key.</summary>
    public void Put(string nameKey, ActorRoute route)
    {
        var entry = Entry(route.Id);
        entry.NameKey = nameKey;
        entry.Put(route, _time.GetTimestamp());
        _missingNames.TryRemove(nameKey, out _);
        _names[nameKey] = route.Id;
    }

    public void PutMissing(string nameKey)
    {
        // A flood of made-up names must not fill memory: beyond a few thousand the store answers each.
        if (_missingNames.Count < 4096)
        {
            _missingNames[nameKey] = _time.GetTimestamp();
        }
        else
        {
            _missingNames.Clear();
        }
    }

    public bool IsMissing(string nameKey)
    {
        if (!_missingNames.TryGetValue(nameKey, out var at))
        {
            return false;
        }

        if (_time.GetElapsedTime(at) < _options.Current.RouteCache.NegativeTtl)
        {
            _metrics.Lookups.Negative.Inc();
            return true;
        }

        _missingNames.TryRemove(KeyValuePair.Create(nameKey, at));
        return false;
    }

    /// <summary>Makes the next look-up of the actor read the store, if the cache still holds this very route or an older one.</summary>
    public void Drop(ActorRoute route)
    {
        if (_entries.TryGetValue(route.Id, out var entry) && (entry.Route is not { } held || held.Revision <= route.Revision))
        {
            entry.Expire();
        }
    }

    void IChangeSink.ActorChanged(ActorId id, PoolId pool, long revision)
    {
        if (_entries.TryGetValue(id, out var entry))
        {
            entry.Changed(revision);
        }

        if (!_missingNames.IsEmpty)
        {
            _missingNames.Clear();
        }
    }

    void IChangeSink.Gap()
    {
        foreach (var (_, entry) in _entries)
        {
            entry.Expire();
        }

        _missingNames.Clear();
    }

    void IChangeSink.PoolConfigChanged(PoolId pool) => _missingNames.Clear();

    /// <summary>Moves the hand of the clock over the entries, at most twice around: who was not used since it last came by goes, until an
    /// eighth of the room is free.</summary>
    private void Sweep()
    {
        if (!_sweep.TryEnter())
        {
            return;
        }

        try
        {
            var target = _options.Current.RouteCache.MaxEntries * 7L / 8;
            for (var rounds = 0; rounds < 2 && Volatile.Read(ref _count) > target;)
            {
                if (_hand is null || !_hand.MoveNext())
                {
                    _hand = _entries.GetEnumerator();
                    rounds++;
                }
                else
                {
                    Consider(_hand.Current);
                }
            }
        }
        finally
        {
            _sweep.Exit();
        }
    }

    private void Consider(KeyValuePair<ActorId, RouteEntry> held)
    {
        var (id, entry) = held;
        if (entry.InFlight)
        {
            return;
        }

        if (entry.Touched)
        {
            entry.Touched = false;
        }
        else if (_entries.TryRemove(held))
        {
            Interlocked.Decrement(ref _count);
            if (entry.NameKey is { } nameKey)
            {
                _names.TryRemove(KeyValuePair.Create(nameKey, id));
            }
        }
    }
}
