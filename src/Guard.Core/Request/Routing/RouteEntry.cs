using Guard.Core.Transport;
using Guard.Model.Ids;

namespace Guard.Core.Request.Routing;

/// <summary>
/// The cache's cell of one actor. It exists from the moment somebody looks the actor up, so that a change that arrives during the
/// look-up is not lost: what was read before the change is then never used.
/// </summary>
/// <remarks>
/// <para>
/// Revisions order what was read and told between two gaps of the change feed. Across a gap they do not: a store that came back may have
/// lost its last writes. So what was read after a gap replaces what was read or told before it, whatever its revision.
/// </para>
/// <para>
/// There are a million of these: the id stands in the route while there is one, and the entry is its own lock.
/// </para>
/// </remarks>
internal sealed class RouteEntry(ActorId id)
{
    // The route, or the boxed id of an actor that has none.
    private volatile object _held = id;
    private volatile bool _refuted;
    private long _knownRevision;
    private long _cachedAt;
    private int _readAfter;
    private int _toldAfter;
    private Task<Resolution>? _flight;

    public ActorId Id => IdOf(_held);

    /// <summary>Of the name key that leads here; 0, as any other may be, when the route was not found by key. Written by the cache's
    /// index alone.</summary>
    public int NameHash { get; set; }

    /// <summary>Found in the cache since the last sweep; being put there is no use yet, so that a flood of routes nobody asks for twice
    /// does not push out those in use. Benign races.</summary>
    public bool Touched { get; set; }

    /// <summary>The route, of whatever age; null when the actor was not found or not read yet.</summary>
    public ActorRoute? Route => _held as ActorRoute;

    /// <summary>When <see cref="Route"/>, or its absence, was read.</summary>
    public long CachedAt => Volatile.Read(ref _cachedAt);

    /// <summary>How many gaps had been heard when that read was issued.</summary>
    public int ReadAfter => Volatile.Read(ref _readAfter);

    /// <summary>Nothing newer than <see cref="Route"/> is known to exist.</summary>
    public bool IsCurrent => (Route?.Revision ?? 0) >= Volatile.Read(ref _knownRevision);

    /// <summary><see cref="Route"/> may be served while the store cannot be asked: no change of it was heard of, and no runner has said that
    /// it is wrong.</summary>
    public bool IsUsable => IsCurrent && !_refuted;

    /// <summary>Whether the route is that of a name key (see <see cref="NameKeys"/>).</summary>
    public bool IsNamed(ReadOnlySpan<char> nameKey)
        => Route is { Key: { } key } route && NameKeys.Equal(nameKey, route.Pool.Namespace, route.Name, key);

    /// <summary>Somebody is looking the actor up.</summary>
    public bool InFlight => Volatile.Read(ref _flight) is not null;

    /// <summary>Takes a route unless a newer one is there.</summary>
    /// <param name="route">What was read.</param>
    /// <param name="now">When.</param>
    /// <param name="gaps">The gaps heard when the read was issued.</param>
    public void Put(ActorRoute route, long now, int gaps)
    {
        lock (this)
        {
            var newer = gaps - _readAfter;
            if (newer > 0 || (newer == 0 && (Route is not { } held || route.Revision >= held.Revision)))
            {
                _held = route;
                Take(route.Revision, now, gaps);
            }
        }
    }

    public void PutNotFound(long now, int gaps)
    {
        lock (this)
        {
            if (gaps - _readAfter >= 0)
            {
                _held = Id;
                Take(0, now, gaps);
            }
        }
    }

    /// <summary>The store says there is this revision.</summary>
    public void Changed(long revision, int gaps)
    {
        lock (this)
        {
            Know(revision, gaps);
        }
    }

    /// <summary>Forgets that the route is current: the next look-up reads the store. When that fails, the route is still the best there is.</summary>
    public void Expire() => Volatile.Write(ref _cachedAt, long.MinValue);

    /// <summary>As <see cref="Expire"/>, for a route that is known to be wrong: it is not used before the store has been read.</summary>
    public void Refute()
    {
        _refuted = true;
        Expire();
    }

    /// <summary>Joins the look-up under way, or begins one.</summary>
    public Task<Resolution> Fly(Func<RouteEntry, Task<Resolution>> read)
    {
        lock (this)
        {
            return _flight ??= LandAsync(read);
        }
    }

    private static ActorId IdOf(object held) => held is ActorRoute route ? route.Id : (ActorId)held;

    private async Task<Resolution> LandAsync(Func<RouteEntry, Task<Resolution>> read)
    {
        // Not under the caller's lock: a read may complete at once and come back to this entry.
        await Task.Yield();
        try
        {
            return await read(this);
        }
        finally
        {
            lock (this)
            {
                _flight = null;
            }
        }
    }

    private void Take(long revision, long now, int gaps)
    {
        Know(revision, gaps);
        _refuted = false;
        Volatile.Write(ref _cachedAt, now);

        // Last: a reader that sees it sees the route that goes with it.
        Volatile.Write(ref _readAfter, gaps);
    }

    private void Know(long revision, int gaps)
    {
        var newer = gaps - _toldAfter;
        if (newer > 0 || revision > _knownRevision)
        {
            _knownRevision = revision;
        }

        _toldAfter = newer > 0 ? gaps : _toldAfter;
    }
}
