using Guard.Core.Targets;

namespace Guard.Core.Routing;

/// <summary>
/// The cache's cell of one actor. It exists from the moment somebody looks the actor up, so that a change that arrives during the
/// look-up is not lost: what was read before the change is then never used.
/// </summary>
internal sealed class RouteEntry(ActorId id)
{
    private readonly Lock _gate = new();
    private volatile ActorRoute? _route;
    private long _knownRevision;
    private long _cachedAt;
    private Task<Resolution>? _flight;

    public ActorId Id { get; } = id;

    /// <summary>Set when the route was found by key: the name that leads here.</summary>
    public string? NameKey { get; set; }

    /// <summary>Found in the cache since the last sweep; being put there is no use yet, so that a flood of routes nobody asks for twice
    /// does not push out those in use. Benign races.</summary>
    public bool Touched { get; set; }

    /// <summary>The route, of whatever age; null when the actor was not found or not read yet.</summary>
    public ActorRoute? Route => _route;

    /// <summary>When <see cref="Route"/>, or its absence, was read.</summary>
    public long CachedAt => Volatile.Read(ref _cachedAt);

    /// <summary>Nothing newer than <see cref="Route"/> is known to exist.</summary>
    public bool IsCurrent => (_route?.Revision ?? 0) >= Volatile.Read(ref _knownRevision);

    /// <summary>Somebody is looking the actor up.</summary>
    public bool InFlight => Volatile.Read(ref _flight) is not null;

    /// <summary>Takes a route unless a newer one is there.</summary>
    public void Put(ActorRoute route, long now)
    {
        lock (_gate)
        {
            if (_route is null || route.Revision >= _route.Revision)
            {
                _route = route;
                _cachedAt = now;
                _knownRevision = Math.Max(_knownRevision, route.Revision);
            }
        }
    }

    public void PutNotFound(long now)
    {
        lock (_gate)
        {
            _route = null;
            _cachedAt = now;
        }
    }

    /// <summary>The store says there is this revision.</summary>
    public void Changed(long revision)
    {
        lock (_gate)
        {
            _knownRevision = Math.Max(_knownRevision, revision);
        }
    }

    /// <summary>Forgets that the route is current: the next look-up reads the store.</summary>
    public void Expire() => Volatile.Write(ref _cachedAt, long.MinValue);

    /// <summary>Joins the look-up under way, or begins one.</summary>
    public Task<Resolution> Fly(Func<RouteEntry, Task<Resolution>> read)
    {
        lock (_gate)
        {
            return _flight ??= LandAsync(read);
        }
    }

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
            lock (_gate)
            {
                _flight = null;
            }
        }
    }
}
