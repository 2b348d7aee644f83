using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Request.Routing;
using Guard.Core.Transport;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;
using Guard.Storage.Memory;
using Microsoft.Extensions.Logging.Abstractions;

namespace Guard.Benchmarks;

/// <summary>A route cache with many ready actors in it, each found by id and by name and key.</summary>
internal sealed class RoutingWorld
{
    public RoutingWorld(int routes)
    {
        Routes = routes;
        var live = new LiveOptions(new GuardOptions());
        var metrics = new GuardMetrics(live);
        var feed = new MemoryChangeFeed(NullLogger<MemoryChangeFeed>.Instance);
        Store = new MemoryStore(feed, new MemoryPoolHealthStore(TimeProvider.System, live.StoreRules, feed.PublishPoolHealth).CountSuccess, live.StoreRules, TimeProvider.System);
        Cache = new RouteCache(live, metrics, new StoreContact(), TimeProvider.System);
        Resolver = new RouteResolver(Cache, Store, Store, live, metrics, TimeProvider.System);
        var pool = new PoolId("default", "pool");
        var runner = new RunnerAddress("r", new RunnerLocation.Http("http://127.0.0.1:1", RunnerProtocol.Http1));
        var ids = new ActorId[routes];
        for (var i = 0; i < routes; i++)
        {
            ids[i] = ActorId.New(1);
            Cache.Put(
                NameKeys.Create("default", "counter", $"k{i}"),
                ActorRoute.From(new ActorRecord
                {
                    Id = ids[i],
                    Pool = pool,
                    Name = "counter",
                    Key = $"k{i}",
                    State = ActorState.Ready,
                    Generation = 1,
                    Revision = 2,
                    Runner = runner,
                }),
                gaps: 0);
        }

        // Spread over the whole cache: the same one again and again would stay in the processor's own.
        var random = new Random(1);
        for (var i = 0; i < Picks.Length; i++)
        {
            var at = random.Next(routes);
            Picks[i] = new(
                ids[at],
                $"k{at}",
                $"/gateway/{ids[at]}/request/hello?x=1",
                $"/gateway/counter/request/hello?rvt-namespace=default&rvt-method=get&rvt-key=k{at}&x=1");
        }
    }

    public int Routes { get; }

    /// <summary>Behind the cache; it has none of the actors.</summary>
    public MemoryStore Store { get; }

    public RouteCache Cache { get; }

    public RouteResolver Resolver { get; }

    /// <summary>Some of the actors, at random; a power of two.</summary>
    public Pick[] Picks { get; } = new Pick[1024];

    /// <summary>One actor, in each of the ways it is asked for.</summary>
    internal sealed record Pick(ActorId Id, string Key, string Direct, string Query);
}
