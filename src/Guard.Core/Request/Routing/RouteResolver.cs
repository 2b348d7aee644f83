using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Request.Targets;
using Guard.Core.Transport;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Core.Request.Routing;

/// <summary>
/// Finds the route of a target. A cached route is found synchronously and without allocating; a miss reads the store once for all who
/// ask at the time. Thread-safe.
/// </summary>
internal sealed class RouteResolver(
    RouteCache cache,
    IActorStore actors,
    IPoolStore pools,
    LiveOptions options,
    GuardMetrics metrics,
    TimeProvider time)
{
    private readonly ConcurrentDictionary<string, Lazy<Task<Resolution>>> _nameFlights = new(StringComparer.Ordinal);

    /// <summary>The cached route; null on a miss, and then <paramref name="error"/> is set when the answer is known all the same.</summary>
    [SkipLocalsInit]
    public ActorRoute? TryResolve(scoped in ActorTarget target, long now, out GuardError? error)
    {
        error = null;
        ActorId id;
        if (target.IsById)
        {
            id = target.Id;
            if (id.Label != options.Current.Datacenter.Label)
            {
                error = GuardErrors.DatacenterNotFound();
                return null;
            }
        }
        else
        {
            Span<char> buffer = stackalloc char[NameKeys.MaxLength];
            var nameKey = NameKeys.Write(target.Namespace, target.Name, target.Key, buffer);
            if (nameKey.IsEmpty || !cache.TryFindId(nameKey, out id) || !IsHere(target.Region))
            {
                return null;
            }
        }

        var route = cache.Find(id, now, out var missing);
        if (missing && target.IsById)
        {
            error = GuardErrors.ActorNotFound();
        }

        // A destroyed actor is gone for its id; its key may have a new one.
        if (route is { IsDestroyed: true })
        {
            error = target.IsById ? GuardErrors.ActorNotFound() : null;
            return null;
        }

        return route;
    }

    /// <summary>Reads the route of an actor id from the store, or joins a read under way. The caller's cancellation ends only its own wait.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer and no route is cached.</exception>
    public Task<Resolution> ResolveAsync(ActorId id, CancellationToken cancellationToken)
        => cache.Entry(id).Fly(ReadAsync).WaitAsync(cancellationToken);

    /// <summary>Finds, or with method getOrCreate makes, the actor of a key; joins a look-up of the same key under way.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<Resolution> ResolveAsync(ActorQueryTarget query, CancellationToken cancellationToken)
    {
        if (!IsHere(query.Region))
        {
            return GuardErrors.DatacenterNotFound();
        }

        var nameKey = NameKeys.Create(query.Namespace, query.Name, query.Key);
        if (!query.Create && cache.IsMissing(nameKey))
        {
            return GuardErrors.ActorNotFound();
        }

        // Racing creates differ in pool and input at most; the store lets one win and the others find it. They need not share a flight
        // with a get, which must not create.
        var flightKey = query.Create ? $"create/{query.Pool}/{nameKey}" : $"get/{nameKey}";
        var flight = _nameFlights.GetOrAdd(flightKey, static (key, s) => new(() => s.Self.FlyAsync(key, s.NameKey, s.Query)),
            (Self: this, NameKey: nameKey, Query: query));
        return await flight.Value.WaitAsync(cancellationToken);
    }

    private async Task<Resolution> FlyAsync(string flightKey, string nameKey, ActorQueryTarget query)
    {
        // Off the caller's stack, so that the flight is in the table before it can end.
        await Task.Yield();
        try
        {
            return await FindOrCreateAsync(nameKey, query);
        }
        finally
        {
            _nameFlights.TryRemove(flightKey, out _);
        }
    }

    private async Task<Resolution> FindOrCreateAsync(string nameKey, ActorQueryTarget query)
    {
        var (gaps, creations) = (cache.Gaps, cache.Creations);
        var since = time.GetTimestamp();
        var found = await actors.FindAsync(query.Namespace, query.Name, query.Key, CancellationToken.None);
        metrics.Resolved("store", time.GetElapsedTime(since));
        if (found is null && query.Create)
        {
            since = time.GetTimestamp();
            var pool = new PoolId(query.Namespace, query.Pool!);
            var label = checked((ushort)options.Current.Datacenter.Label);
            var made = await actors.CreateAsync(
                new NewActor(ActorId.New(label), pool, query.Name, query.Key, query.CrashPolicy, query.Input), CancellationToken.None);
            metrics.Resolved("create", time.GetElapsedTime(since));
            found = made.Actor;
            if (made.Status == CreateActorStatus.NoPool)
            {
                return await NamespaceErrorAsync(query) ?? GuardErrors.NoRunnerConfig(query.Namespace, query.Pool!);
            }
        }

        if (found is null)
        {
            if (await NamespaceErrorAsync(query) is { } error)
            {
                return error;
            }

            cache.PutMissing(nameKey, creations);
            return GuardErrors.ActorNotFound();
        }

        var route = ActorRoute.From(found);
        cache.Put(nameKey, route, gaps);
        return route;
    }

    private async Task<GuardError?> NamespaceErrorAsync(ActorQueryTarget query)
        => await pools.NamespaceExistsAsync(query.Namespace, CancellationToken.None) ? null : GuardErrors.NamespaceNotFound(query.Namespace);

    private async Task<Resolution> ReadAsync(RouteEntry entry)
    {
        var gaps = cache.Gaps;
        var since = time.GetTimestamp();
        try
        {
            var actor = await (entry.Route is { } known
                ? actors.GetAsync(entry.Id, known.Pool, CancellationToken.None)
                : actors.GetAsync(entry.Id, CancellationToken.None));
            metrics.Resolved("store", time.GetElapsedTime(since));
            if (actor is null)
            {
                entry.PutNotFound(time.GetTimestamp(), gaps);
                return GuardErrors.ActorNotFound();
            }

            var route = ActorRoute.From(actor);
            entry.Put(route, time.GetTimestamp(), gaps);
            return route.IsDestroyed ? GuardErrors.ActorNotFound() : route;
        }
        catch (StoreUnavailableException) when (entry.Route is { IsDestroyed: false } known && entry.IsUsable)
        {
            // Nothing expires while the store is down: the last thing known is served on.
            return known;
        }
    }

    private bool IsHere(ReadOnlySpan<char> region)
        => region.IsEmpty || region.SequenceEqual(options.Current.Datacenter.Name);
}
