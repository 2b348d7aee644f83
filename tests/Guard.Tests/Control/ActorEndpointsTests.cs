using System.Text.Json.Nodes;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Microsoft.Extensions.DependencyInjection;

namespace Guard.Tests.Control;

public sealed class ActorEndpointsTests
{
    private static readonly PoolId Pool = new("n", "p");

    [Fact]
    public async Task Post_MinimalActor_HasEveryMemberAndIsNotStarted()
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        var reply = await server.OkAsync("POST", "/actors?namespace=n", """{"name":"a","runner_name_selector":"p"}""");

        var actor = reply["actor"]!;
        var id = (string)actor["actor_id"]!;
        Assert.True(ActorId.TryParse(id, out var parsed));
        Assert.Equal(1, parsed.Label);
        JsonAssert.Same(
            $$"""
            {"actor_id":"{{id}}","name":"a","key":null,"namespace":"n","datacenter":"default","runner_name_selector":"p","crash_policy":"sleep",
             "create_ts":{{ControlServer.Now}},"start_ts":null,"pending_allocation_ts":null,"connectable_ts":null,"sleep_ts":null,
             "reschedule_ts":null,"destroy_ts":null,"generation":0,"runner_id":null}
            """,
            actor);
    }

    [Fact]
    public async Task Post_EveryField_IsKept()
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        var reply = await server.OkAsync("POST", "/actors?namespace=n", """
            {"name":"a","key":"x/y","runner_name_selector":"p","crash_policy":"restart","input":"AQID","datacenter":"default"}
            """);

        Assert.Equal("x/y", (string)reply["actor"]!["key"]!);
        Assert.Equal("restart", (string)reply["actor"]!["crash_policy"]!);
        var record = await server.Store.GetAsync(ActorId.Parse((string)reply["actor"]!["actor_id"]!), TestContext.Current.CancellationToken);
        Assert.Equal([1, 2, 3], record!.Input!);
        Assert.Equal(CrashPolicy.Restart, record.CrashPolicy);
    }

    [Fact]
    public async Task Post_KeyTaken_NamesTheActor()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var id = await server.CreateActorAsync("k");

        var reply = await server.SendAsync("POST", "/actors?namespace=n", """{"name":"a","runner_name_selector":"p","key":"k"}""");

        Assert.Equal((400, "actor.duplicate_key", id.ToString()), (reply.Status, reply.Error, (string?)reply.Json["metadata"]!["actor_id"]));
    }

    [Fact]
    public async Task Post_WithoutKeyTwice_MakesTwoActors()
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        Assert.NotEqual(await server.CreateActorAsync(), await server.CreateActorAsync());
    }

    [Fact]
    public async Task Put_NewThenSameKey_CreatesOnce()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        const string Body = """{"name":"a","runner_name_selector":"p","key":"k"}""";

        var first = await server.OkAsync("PUT", "/actors?namespace=n", Body);
        var second = await server.OkAsync("PUT", "/actors?namespace=n", Body);
        var otherPool = await server.OkAsync("PUT", "/actors?namespace=n", """{"name":"a","runner_name_selector":"nope","key":"k"}""");

        Assert.True((bool)first["created"]!);
        Assert.False((bool)second["created"]!);
        Assert.False((bool)otherPool["created"]!);
        JsonAssert.Same(first["actor"]!.ToJsonString(), second["actor"]!);
        JsonAssert.Same(first["actor"]!.ToJsonString(), otherPool["actor"]!);
    }

    [Fact]
    public async Task Put_AtOnceByMany_CreatesOne()
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        var replies = await Task.WhenAll(Enumerable.Range(0, 20).Select(_
            => server.OkAsync("PUT", "/actors?namespace=n", """{"name":"a","runner_name_selector":"p","key":"k"}""")))
            .WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);

        Assert.Single(replies, r => (bool)r["created"]!);
        Assert.Single(replies.Select(r => (string)r["actor"]!["actor_id"]!).Distinct());
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    public async Task Create_UnknownPool_IsRefused(string method)
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        var reply = await server.SendAsync(method, "/actors?namespace=n", """{"name":"a","runner_name_selector":"nope","key":"k"}""");

        Assert.Equal((400, "actor.no_runner_config_configured"), (reply.Status, reply.Error));
        Assert.Equal(("n", "nope"), ((string?)reply.Json["metadata"]!["namespace"], (string?)reply.Json["metadata"]!["pool"]));
    }

    [Fact]
    public async Task List_ByIds_GivesThoseThatExistInTheNamespace()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        await server.OkAsync("PUT", "/runner-configs/p?namespace=other", """{"datacenters":{"default":{"normal":{}}}}""");
        var first = await server.CreateActorAsync();
        var second = await server.CreateActorAsync();
        var ids = $"{second.ToString().ToUpperInvariant()},{first},{ActorId.New(1)},{first}";

        var here = await server.OkAsync("GET", $"/actors?namespace=n&actor_ids={ids}");
        var elsewhere = await server.OkAsync("GET", $"/actors?namespace=other&actor_ids={ids}");

        Assert.Equal([second.ToString(), first.ToString()], Ids(here));
        Assert.Empty(Ids(elsewhere));
    }

    [Fact]
    public async Task List_ByNameAndKey_Filters()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var keyed = await server.CreateActorAsync("k/1");
        var other = await server.CreateActorAsync("k/2");

        Assert.Equal([keyed.ToString()], Ids(await server.OkAsync("GET", "/actors?namespace=n&name=a&key=k%2F1")));
        Assert.Equivalent(new[] { keyed.ToString(), other.ToString() }, Ids(await server.OkAsync("GET", "/actors?namespace=n&name=a")), strict: true);
        Assert.Empty(Ids(await server.OkAsync("GET", "/actors?namespace=n&name=b")));
    }

    [Fact]
    public async Task List_IncludeDestroyed_ShowsThem()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var id = await server.CreateActorAsync("k");
        await server.OkAsync("DELETE", $"/actors/{id}?namespace=n");

        Assert.Empty(Ids(await server.OkAsync("GET", $"/actors?namespace=n&actor_ids={id}")));
        var shown = await server.OkAsync("GET", $"/actors?namespace=n&actor_ids={id}&include_destroyed=true");
        Assert.Equal(ControlServer.Now, (long)shown["actors"]![0]!["destroy_ts"]!);
    }

    [Fact]
    public async Task List_Pages_GiveEachActorOnce()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var made = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            made.Add((await server.CreateActorAsync()).ToString());
        }

        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await server.OkAsync("GET", $"/actors?namespace=n&name=a&limit=2{(cursor is null ? "" : "&cursor=" + cursor)}");
            Assert.InRange(Ids(page).Count, 1, 2);
            seen.AddRange(Ids(page));
            cursor = (string?)page["pagination"]!["cursor"];
        }
        while (cursor is not null);

        Assert.Equivalent(made, seen, strict: true);
    }

    [Fact]
    public async Task List_NoCapacityInRedPool_ShowsThePoolErrorAndReadsHealthOnce()
    {
        var reads = new CountingHealth();
        await using var server = await ControlServer.StartWithPoolAsync(replace: s => s.AddSingleton<IPoolHealthStore>(reads));
        for (var i = 0; i < 3; i++)
        {
            await MakeNoCapacityAsync(server, await server.CreateActorAsync());
        }

        var green = await server.OkAsync("GET", "/actors?namespace=n&name=a");
        Assert.All(green["actors"]!.AsArray(), a => JsonAssert.Same("\"no_capacity\"", a!["error"]!));

        reads.Red = true;
        reads.Count = 0;
        var red = await server.OkAsync("GET", "/actors?namespace=n&name=a");
        Assert.All(red["actors"]!.AsArray(), a => JsonAssert.Same("""{"runner_pool_error":"downgrade"}""", a!["error"]!));
        Assert.Equal(1, reads.Count);

        reads.Fails = true;
        var unknown = await server.OkAsync("GET", "/actors?namespace=n&name=a");
        Assert.All(unknown["actors"]!.AsArray(), a => JsonAssert.Same("\"no_capacity\"", a!["error"]!));
    }

    [Fact]
    public async Task Delete_RunningActor_TellsItsRunner()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var runner = await server.RegisterRunnerAsync();
        var id = await server.CreateActorAsync("k");
        await StartAsync(server, id);

        Assert.Equal("{}", (await server.OkAsync("DELETE", $"/actors/{id.ToString().ToUpperInvariant()}?namespace=n")).ToJsonString());

        var stopped = await server.Stopped.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.Equal((runner, "http://127.0.0.1:9001", id, 1L, "destroy"), (stopped.Runner.RunnerId, stopped.Runner.Location.Endpoint, stopped.Id, stopped.Generation, stopped.Reason));
        Assert.Equal(404, (await server.SendAsync("DELETE", $"/actors/{id}?namespace=n")).Status);
    }

    [Fact]
    public async Task Delete_RunnerThatCannotBeTold_StillAnswers()
    {
        await using var server = await ControlServer.StartWithPoolAsync(
            replace: s => s.AddSingleton<Guard.Control.StopActor>((_, _, _, _, _) => throw new HttpRequestException("refused")));
        await server.RegisterRunnerAsync();
        var id = await server.CreateActorAsync("k");
        await StartAsync(server, id);

        await server.OkAsync("DELETE", $"/actors/{id}?namespace=n");

        Assert.Equal(ActorState.Destroyed, (await server.Store.GetAsync(id, TestContext.Current.CancellationToken))!.State);
    }

    [Fact]
    public async Task Delete_SleepingActor_TellsNobody()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var id = await server.CreateActorAsync();

        await server.OkAsync("DELETE", $"/actors/{id}?namespace=n");

        Assert.False(server.Stopped.Task.IsCompleted);
    }

    [Fact]
    public async Task Delete_ActorOfAnotherNamespace_IsNotFoundAndLives()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        await server.OkAsync("PUT", "/runner-configs/p?namespace=other", """{"datacenters":{"default":{"normal":{}}}}""");
        var id = await server.CreateActorAsync();

        var reply = await server.SendAsync("DELETE", $"/actors/{id}?namespace=other");

        Assert.Equal((404, "actor.not_found"), (reply.Status, reply.Error));
        Assert.Equal(ActorState.Sleeping, (await server.Store.GetAsync(id, TestContext.Current.CancellationToken))!.State);
    }

    [Fact]
    public async Task Delete_UnknownActor_IsNotFound()
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        var unknown = await server.SendAsync("DELETE", $"/actors/{ActorId.New(1)}?namespace=n");
        var elsewhere = await server.SendAsync("DELETE", $"/actors/{ActorId.New(2)}?namespace=n");

        Assert.Equal((404, "actor.not_found"), (unknown.Status, unknown.Error));
        Assert.Equal((400, "datacenter.not_found"), (elsewhere.Status, elsewhere.Error));
    }

    [Fact]
    public async Task Get_RunningActor_ShowsRunnerAndTimes()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var runner = await server.RegisterRunnerAsync();
        var id = await server.CreateActorAsync("k");
        await StartAsync(server, id);

        var actor = (await server.OkAsync("GET", $"/actors?namespace=n&actor_ids={id}"))["actors"]![0]!;

        Assert.Equal(runner, (string)actor["runner_id"]!);
        Assert.Equal(1, (long)actor["generation"]!);
        Assert.Equal(ControlServer.Now, (long)actor["connectable_ts"]!);
    }

    private static List<string> Ids(JsonNode page) => [.. page["actors"]!.AsArray().Select(a => (string)a!["actor_id"]!)];

    private static async Task StartAsync(ControlServer server, ActorId id)
    {
        var grant = await server.Store.TryBeginStartAsync(new StartRequest(id, Pool, "guard-1", []), TestContext.Current.CancellationToken);
        Assert.Equal(StartGrantStatus.Granted, grant.Status);
        Assert.Equal(TransitionResult.Ok, (await server.Store.CommitReadyAsync(id, Pool, 1, TestContext.Current.CancellationToken)).Result);
    }

    private static async Task MakeNoCapacityAsync(ControlServer server, ActorId id)
    {
        var grant = await server.Store.TryBeginStartAsync(new StartRequest(id, Pool, "guard-1", []), TestContext.Current.CancellationToken);
        Assert.Equal(StartGrantStatus.NoCapacity, grant.Status);
    }

    private sealed class CountingHealth : IPoolHealthStore
    {
        public int Count { get; set; }

        public bool Red { get; set; }

        public bool Fails { get; set; }

        public ValueTask<PoolHealthSnapshot> ReadAsync(PoolId pool, CancellationToken cancellationToken)
        {
            Count++;
            return Fails ? throw new StoreException(StoreFailure.Away, "down")
                : new(Red ? new PoolHealthSnapshot(pool, 1, 1, true, new ActivePoolError(new(PoolErrorKind.Downgrade), 1, 1), 0, 1) : PoolHealthSnapshot.Unknown(pool));
        }

        public ValueTask<PoolHealthSnapshot> ReportErrorAsync(PoolId pool, PoolError error, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<PoolHealthSnapshot> ReportSuccessAsync(PoolId pool, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<ProbeGrant> TryGrantProbeAsync(PoolId pool, TimeSpan interval, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<long> OpenProbeAsync(PoolId pool, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask EndProbeAsync(PoolId pool, long probeId, bool success, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
