using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Request.Routing;
using Guard.Core.Transport;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Core.Tests.Request.Routing;

public sealed class RouteCacheTests
{
    private static readonly PoolId Pool = new("ns", "pool");
    private static readonly RunnerAddress Runner = new("r", new RunnerLocation.Http("http://r", RunnerProtocol.Http1));

    private readonly FakeTimeProvider _time = new();
    private readonly GuardOptions _options = new();
    private readonly StoreContact _contact = new();

    [Fact]
    public void Find_Cached_Hit()
    {
        var cache = NewCache();
        var route = Route(1);
        cache.Put(route, cache.Gaps);

        Assert.Same(route, cache.Find(route.Id, _time.GetTimestamp(), out var missing));
        Assert.False(missing);
    }

    [Fact]
    public void Find_NewerRevisionAnnounced_Miss()
    {
        var cache = NewCache();
        var route = Route(1);
        cache.Put(route, cache.Gaps);

        Changed(cache, route.Id, 2);

        Assert.Null(cache.Find(route.Id, _time.GetTimestamp(), out _));
    }

    [Fact]
    public void Put_OlderThanAnnounced_IsNotUsed()
    {
        var cache = NewCache();
        var route = Route(1);

        // A look-up is under way when the change arrives; what it then puts was read before the change.
        cache.Entry(route.Id);
        Changed(cache, route.Id, 2);
        cache.Put(route, cache.Gaps);

        Assert.Null(cache.Find(route.Id, _time.GetTimestamp(), out _));
    }

    [Fact]
    public void Put_OlderThanHeld_IsIgnored()
    {
        var cache = NewCache();
        var id = ActorId.New(1);
        var newer = Route(5, id);
        cache.Put(newer, cache.Gaps);
        cache.Put(Route(4, id), cache.Gaps);

        Assert.Same(newer, cache.Find(id, _time.GetTimestamp(), out _));
    }

    [Fact]
    public void Find_AfterTtl_Miss()
    {
        var cache = NewCache();
        var route = Route(1);
        cache.Put(route, cache.Gaps);
        _time.Advance(_options.RouteCache.Ttl);

        Assert.Null(cache.Find(route.Id, _time.GetTimestamp(), out var missing));
        Assert.False(missing);
    }

    [Fact]
    public void Find_KnownMissing_UntilNegativeTtlOrCreation()
    {
        var cache = NewCache();
        var id = ActorId.New(1);
        cache.Entry(id).PutNotFound(_time.GetTimestamp(), cache.Gaps);
        Assert.Null(cache.Find(id, _time.GetTimestamp(), out var missing));
        Assert.True(missing);

        _time.Advance(_options.RouteCache.NegativeTtl);
        cache.Find(id, _time.GetTimestamp(), out missing);
        Assert.False(missing);

        cache.Entry(id).PutNotFound(_time.GetTimestamp(), cache.Gaps);
        Changed(cache, id, 1);
        cache.Find(id, _time.GetTimestamp(), out missing);
        Assert.False(missing);
    }

    [Fact]
    public void Drop_TheRouteHeld_MissOnceThenRefreshed()
    {
        var cache = NewCache();
        var route = Route(1);
        cache.Put(route, cache.Gaps);
        cache.Drop(route);
        Assert.Null(cache.Find(route.Id, _time.GetTimestamp(), out _));
        cache.Put(route, cache.Gaps);
        Assert.Same(route, cache.Find(route.Id, _time.GetTimestamp(), out _));
    }

    [Fact]
    public void Drop_OlderThanHeld_KeepsTheNewerOne()
    {
        var cache = NewCache();
        var id = ActorId.New(1);
        var old = Route(1, id);
        var newer = Route(2, id);
        cache.Put(newer, cache.Gaps);
        cache.Drop(old);

        Assert.Same(newer, cache.Find(id, _time.GetTimestamp(), out _));
    }

    [Fact]
    public void Find_AfterGap_MissUntilReadAgain()
    {
        var cache = NewCache();
        var route = Route(1);
        cache.Put(route, cache.Gaps);
        var before = cache.Gaps;
        Gap(cache);
        Assert.Null(cache.Find(route.Id, _time.GetTimestamp(), out _));

        // A read that was issued before the gap may have missed what the gap hides.
        cache.Put(route, before);
        Assert.Null(cache.Find(route.Id, _time.GetTimestamp(), out _));
        cache.Put(route, cache.Gaps);
        Assert.Same(route, cache.Find(route.Id, _time.GetTimestamp(), out _));
    }

    [Fact]
    public void Put_AfterGap_ReplacesWhatIsHeldWhateverItsRevision()
    {
        // The store came back without its last writes.
        var cache = NewCache();
        var id = ActorId.New(1);
        cache.Put(Route(5, id), cache.Gaps);
        Changed(cache, id, 6);
        var late = cache.Gaps;
        Gap(cache);
        var older = Route(3, id);
        cache.Put(older, cache.Gaps);
        Assert.Same(older, cache.Find(id, _time.GetTimestamp(), out _));

        // What was read before is no news any more, and what is told from now on counts.
        cache.Put(Route(7, id), late);
        Assert.Same(older, cache.Find(id, _time.GetTimestamp(), out _));
        Changed(cache, id, 4);
        Assert.Null(cache.Find(id, _time.GetTimestamp(), out _));
    }

    [Fact]
    public void Find_ContactLost_NeitherTimeNorGapExpires()
    {
        var cache = NewCache();
        var route = Route(1);
        cache.Put(route, cache.Gaps);
        _contact.Set(isUp: false);
        Gap(cache);
        _time.Advance(_options.RouteCache.Ttl * 2);

        Assert.Same(route, cache.Find(route.Id, _time.GetTimestamp(), out _));
        _contact.Set(isUp: true);
        Assert.Null(cache.Find(route.Id, _time.GetTimestamp(), out _));
    }

    [Fact]
    public void Find_ContactLostAndKnownWrong_Miss()
    {
        var cache = NewCache();
        var (changed, refuted, doubted) = (Route(1), Route(1), Route(1));
        foreach (var route in new[] { changed, refuted, doubted })
        {
            cache.Put(route, cache.Gaps);
        }

        _contact.Set(isUp: false);
        Changed(cache, changed.Id, 2);
        cache.Drop(refuted);
        cache.Expire(doubted);

        Assert.Null(cache.Find(changed.Id, _time.GetTimestamp(), out _));
        Assert.Null(cache.Find(refuted.Id, _time.GetTimestamp(), out _));
        Assert.Same(doubted, cache.Find(doubted.Id, _time.GetTimestamp(), out _));
    }

    [Fact]
    public void Find_ContactLost_NothingIsKnownMissing()
    {
        var cache = NewCache();
        var id = ActorId.New(1);
        cache.Entry(id).PutNotFound(_time.GetTimestamp(), cache.Gaps);
        cache.PutMissing("ns/name/key", cache.Creations);
        _contact.Set(isUp: false);

        Assert.Null(cache.Find(id, _time.GetTimestamp(), out var missing));
        Assert.False(missing);
        Assert.False(cache.IsMissing("ns/name/key"));
    }

    [Fact]
    public void IsMissing_ActorOfAnotherNameChanged_StillKnown()
    {
        var cache = NewCache();
        cache.PutMissing("ns/name/key", cache.Creations);
        Changed(cache, ActorId.New(1), 2);

        Assert.True(cache.IsMissing("ns/name/key"));
    }

    [Fact]
    public void IsMissing_ActorCreatedGapOrPoolConfigured_Forgotten()
    {
        var cache = NewCache();
        Action[] news = [() => Changed(cache, ActorId.New(1), 1), () => Gap(cache), () => ((IChangeSink)cache).PoolConfigChanged(Pool)];
        foreach (var told in news)
        {
            cache.PutMissing("ns/name/key", cache.Creations);
            Assert.True(cache.IsMissing("ns/name/key"));
            told();

            Assert.False(cache.IsMissing("ns/name/key"));
        }
    }

    [Fact]
    public void PutMissing_ActorCreatedDuringTheRead_NotKnown()
    {
        var cache = NewCache();
        var before = cache.Creations;
        Changed(cache, ActorId.New(1), 1);
        cache.PutMissing("ns/name/key", before);

        Assert.False(cache.IsMissing("ns/name/key"));
    }

    [Fact]
    public void Put_EntryEvictedBeforeItsNameIsIn_NameGoesToo()
    {
        _options.RouteCache.MaxEntries = 8;
        var time = new TimeProviderWithHook();
        var live = new LiveOptions(_options);
        var cache = new RouteCache(live, new GuardMetrics(live), _contact, time);
        var route = Route(1, key: "key");

        // The time is asked for between the two indexes: there another thread's sweep comes by.
        time.OnTimestamp = () =>
        {
            time.OnTimestamp = null;
            for (var i = 0; i < 32; i++)
            {
                cache.Put(Route(1), cache.Gaps);
            }
        };
        cache.Put("ns/name/key", route, cache.Gaps);

        Assert.Null(cache.Find(route.Id, time.GetTimestamp(), out _));
        Assert.False(cache.TryFindId("ns/name/key", out _));
    }

    /// <summary>Threads put and find named routes while each put evicts others: no name may lead to a route that is gone for good, no look-up
    /// to another's.</summary>
    [Fact]
    public async Task Put_WhileOthersEvict_NamesAndEntriesAgree()
    {
        _options.RouteCache.MaxEntries = 64;
        var cache = NewCache();
        var routes = Enumerable.Range(0, 512).Select(i => Route(1, key: $"{i}")).ToArray();
        var names = Array.ConvertAll(routes, r => $"ns/name/{r.Key}");
        var now = _time.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(seed => Task.Run(
            () =>
            {
                var random = new Random(seed);
                for (var step = 0; step < 50_000; step++)
                {
                    var i = random.Next(routes.Length);
                    if (cache.TryFindId(names[i], out var id))
                    {
                        Assert.Equal(routes[i].Id, id);
                        Assert.Same(routes[i], cache.Find(id, now, out _) ?? routes[i]);
                    }

                    cache.Put(names[i], routes[i], cache.Gaps);
                }
            },
            TestContext.Current.CancellationToken)));

        Assert.All(routes, r => Assert.Same(r, cache.TryFindId($"ns/name/{r.Key}", out _) ? cache.Find(r.Id, now, out _) : r));

        // Many rounds of the clock later none of them is left, by neither way.
        for (var i = 0; i < 1024; i++)
        {
            cache.Put(Route(1), cache.Gaps);
        }

        Assert.InRange(cache.Count, 1, _options.RouteCache.MaxEntries);
        Assert.All(routes, r => Assert.Null(cache.Find(r.Id, now, out _)));
        Assert.All(names, name => Assert.False(cache.TryFindId(name, out _)));
    }

    [Fact]
    public void Entry_BeyondMaxEntries_UnusedOnesGoNamesToo()
    {
        _options.RouteCache.MaxEntries = 1000;
        var cache = NewCache();
        var kept = Route(1, key: "kept");
        cache.Put("ns/name/kept", kept, cache.Gaps);
        for (var i = 0; i < 5000; i++)
        {
            cache.Put($"ns/name/{i}", Route(1, key: $"{i}"), cache.Gaps);
            cache.Find(kept.Id, _time.GetTimestamp(), out _);
            Assert.True(cache.Count <= 1001, $"{cache.Count} entries");
        }

        Assert.Same(kept, cache.Find(kept.Id, _time.GetTimestamp(), out _));
        Assert.True(cache.TryFindId("ns/name/kept", out _));
        Assert.False(cache.TryFindId("ns/name/0", out _));
    }

    [Fact]
    public void Find_Hit_AllocatesNothing()
    {
        var cache = NewCache();
        var route = Route(1, key: "key");
        cache.Put("ns/name/key", route, cache.Gaps);
        Span<char> buffer = stackalloc char[NameKeys.MaxLength];
        for (var i = 0; i < 100; i++)
        {
            FindByName(cache, buffer);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            FindByName(cache, buffer);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private void FindByName(RouteCache cache, Span<char> buffer)
    {
        Assert.True(cache.TryFindId(NameKeys.Write("ns", "name", "key", buffer), out var id));
        Assert.NotNull(cache.Find(id, _time.GetTimestamp(), out _));
    }

    private RouteCache NewCache()
    {
        var live = new LiveOptions(_options);
        return new RouteCache(live, new GuardMetrics(live), _contact, _time);
    }

    private sealed class TimeProviderWithHook : FakeTimeProvider
    {
        public Action? OnTimestamp { get; set; }

        public override long GetTimestamp()
        {
            OnTimestamp?.Invoke();
            return base.GetTimestamp();
        }
    }

    private static void Gap(IChangeSink cache) => cache.Gap();

    private static void Changed(IChangeSink cache, ActorId id, long revision) => cache.ActorChanged(id, Pool, revision);

    private static ActorRoute Route(long revision, ActorId? id = null, string? key = null) => ActorRoute.From(new ActorRecord
    {
        Id = id ?? ActorId.New(1),
        Pool = Pool,
        Name = "name",
        Key = key,
        State = ActorState.Ready,
        Generation = 1,
        Revision = revision,
        Runner = Runner,
    });
}
