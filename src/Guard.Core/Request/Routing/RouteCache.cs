using System.Collections.Concurrent;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Transport;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Core.Request.Routing;

/// <summary>
/// Routes this Guard has met, by actor id and by name and key. Hits are synchronous and allocate nothing. At most
/// <c>RouteCache:MaxEntries</c>, kept by a clock sweep: an entry nobody used since the last round goes. Thread-safe.
/// </summary>
/// <remarks>
/// While contact with the store is lost nothing expires, neither with time nor by a gap in the changes: the last route is served unless it
/// is known to be wrong. That an actor is missing is then not known of any.
/// </remarks>
internal sealed class RouteCache : IChangeSink
{
    private readonly RouteTable _entries = new(byName: false);
    private readonly RouteTable _names = new(byName: true);

    // Names that had no actor: when that was read, and the creations heard before the read. Few; a later creation makes all of them stale.
    private readonly ConcurrentDictionary<string, (long ReadAt, int Creations)> _missingNames = new(StringComparer.Ordinal);
    private readonly LiveOptions _options;
    private readonly GuardMetrics _metrics;
    private readonly StoreContact _contact;
    private readonly TimeProvider _time;
    private readonly Lock _sweep = new();

    // Where the last sweep ended: the next goes on from there, or the same few would go each time. Under the lock.
    private int _hand;
    private volatile int _gaps;
    private volatile int _creations;

    public RouteCache(LiveOptions options, GuardMetrics metrics, StoreContact contact, TimeProvider time)
    {
        _options = options;
        _metrics = metrics;
        _contact = contact;
        _time = time;
        metrics.Registry.AddBeforeCollectCallback(() => metrics.RouteCacheEntries.Set(_entries.Count));
    }

    /// <summary>Entries now; for tests.</summary>
    public int Count => _entries.Count;

    /// <summary>Gaps heard so far. Whoever puts what it read takes this before it reads: what was read before a gap is not relied on
    /// after it.</summary>
    public int Gaps => _gaps;

    /// <summary>Creations of actors heard so far, and what may hide one. Whoever puts a name as missing takes this before it reads the
    /// name: a creation that is told during the read is not overlooked.</summary>
    public int Creations => _creations;

    /// <summary>The current, unexpired route of an actor; null on a miss.</summary>
    /// <param name="id">The actor.</param>
    /// <param name="now">A timestamp of the time provider.</param>
    /// <param name="knownMissing">The actor is known not to exist, for <c>RouteCache:NegativeTtl</c>.</param>
    public ActorRoute? Find(ActorId id, long now, out bool knownMissing)
    {
        knownMissing = false;
        if (_entries.Find(id) is not { } entry)
        {
            _metrics.Lookups.Miss.Inc();
            return null;
        }

        if (!entry.Touched)
        {
            entry.Touched = true;
        }

        var gaps = entry.ReadAfter;
        var cachedAt = entry.CachedAt;
        var route = entry.Route;
        var options = _options.Current.RouteCache;
        if (gaps != _gaps || cachedAt == long.MinValue || !entry.IsCurrent
            || _time.GetElapsedTime(cachedAt, now) >= (route is null ? options.NegativeTtl : options.Ttl))
        {
            return FindExpired(entry, route);
        }

        if (route is null)
        {
            knownMissing = _contact.IsUp;
            (knownMissing ? _metrics.Lookups.Negative : _metrics.Lookups.Miss).Inc();
            return null;
        }

        _metrics.Lookups.Hit.Inc();
        return route;
    }

    /// <summary>What is too old to rely on serves while the store cannot be asked.</summary>
    private ActorRoute? FindExpired(RouteEntry entry, ActorRoute? route)
    {
        var serves = route is not null && !_contact.IsUp && entry.IsUsable;
        (serves ? _metrics.Lookups.Hit : _metrics.Lookups.Miss).Inc();
        return serves ? route : null;
    }

    /// <summary>The id last found under a name key (see <see cref="NameKeys"/>).</summary>
    public bool TryFindId(ReadOnlySpan<char> nameKey, out ActorId id)
    {
        var entry = _names.Find(nameKey);
        id = entry?.Id ?? default;
        return entry is not null;
    }

    /// <summary>The entry of an actor, made when it is not there.</summary>
    public RouteEntry Entry(ActorId id)
    {
        if (_entries.Find(id) is { } held)
        {
            return held;
        }

        var made = new RouteEntry(id);
        made.Expire();
        var (entry, added) = _entries.GetOrAdd(made);
        if (added && _entries.Count > _options.Current.RouteCache.MaxEntries)
        {
            Sweep();
        }

        return entry;
    }

    /// <param name="route">What was read.</param>
    /// <param name="gaps"><see cref="Gaps"/> when the read was issued.</param>
    public void Put(ActorRoute route, int gaps) => Entry(route.Id).Put(route, _time.GetTimestamp(), gaps);

    /// <summary>Puts a route that was found under a name key.</summary>
    public void Put(string nameKey, ActorRoute route, int gaps)
    {
        var entry = Entry(route.Id);
        entry.Put(route, _time.GetTimestamp(), gaps);
        _missingNames.TryRemove(nameKey, out _);
        _names.Put(nameKey, entry);

        // A sweep that evicted the entry before its name was in did not find the name; one that comes later does. Should another put
        // have made a new entry meanwhile, its name is read anew.
        if (_entries.Find(route.Id) != entry)
        {
            _names.Remove(entry);
        }
    }

    /// <param name="nameKey">The name that was read and has no actor.</param>
    /// <param name="creations"><see cref="Creations"/> when the read was issued.</param>
    public void PutMissing(string nameKey, int creations)
    {
        // A flood of made-up names must not fill memory: beyond a few thousand the store answers each.
        if (_missingNames.Count < 4096)
        {
            _missingNames[nameKey] = (_time.GetTimestamp(), creations);
        }
        else
        {
            _missingNames.Clear();
        }
    }

    public bool IsMissing(string nameKey)
    {
        if (!_missingNames.TryGetValue(nameKey, out var read))
        {
            return false;
        }

        if (_contact.IsUp && read.Creations == _creations && _time.GetElapsedTime(read.ReadAt) < _options.Current.RouteCache.NegativeTtl)
        {
            _metrics.Lookups.Negative.Inc();
            return true;
        }

        _missingNames.TryRemove(KeyValuePair.Create(nameKey, read));
        return false;
    }

    /// <summary>Makes the next look-up of the actor read the store, if the cache still holds this very route or an older one. Should the
    /// store not answer, the route is served on.</summary>
    public void Expire(ActorRoute route) => Holder(route)?.Expire();

    /// <summary>As <see cref="Expire"/>, for a route that its runner says is wrong: it is not served until the store has been read.</summary>
    public void Drop(ActorRoute route) => Holder(route)?.Refute();

    void IChangeSink.ActorChanged(ActorId id, PoolId pool, long revision)
    {
        if (_entries.Find(id) is { } entry)
        {
            entry.Changed(revision, _gaps);
        }

        // An actor is created with revision 1.
        if (revision == 1)
        {
            Interlocked.Increment(ref _creations);
        }
    }

    void IChangeSink.Gap()
    {
        // Entries that were read before are found expired, each when it is next asked for.
        Interlocked.Increment(ref _gaps);
        Interlocked.Increment(ref _creations);
    }

    void IChangeSink.PoolConfigChanged(PoolId pool) => Interlocked.Increment(ref _creations);

    private RouteEntry? Holder(ActorRoute route)
        => _entries.Find(route.Id) is { } entry && (entry.Route is not { } held || held.Revision <= route.Revision) ? entry : null;

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
            for (var rounds = 0; rounds < 2 && _entries.Count > target;)
            {
                if (!_entries.TryGetAt(_hand++, out var entry))
                {
                    _hand = 0;
                    rounds++;
                }
                else if (entry is { InFlight: false })
                {
                    Consider(entry);
                }
            }
        }
        finally
        {
            _sweep.Exit();
        }
    }

    private void Consider(RouteEntry entry)
    {
        if (entry.Touched)
        {
            entry.Touched = false;
        }
        else if (_entries.Remove(entry))
        {
            _names.Remove(entry);
        }
    }
}
