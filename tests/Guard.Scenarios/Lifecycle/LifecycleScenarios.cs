using System.Collections.Concurrent;
using System.Text.Json;
using Guard.Scenarios.Replicas;
using Guard.TestSupport;

namespace Guard.Scenarios.Lifecycle;

/// <summary>Runners that are killed and runners that are replaced, each a process of its own, under Guards that are as well.</summary>
public sealed class LifecycleScenarios(ITestOutputHelper output)
{
    private const int Actors = 1000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RunnerKilled_With1000ReadyActors_EachFollowsItsPolicyInTime(bool redis)
    {
        // LostAfter 3 s so that the test is short: what counts is the time beyond it.
        var lostAfter = TimeSpan.FromSeconds(3);
        await using var guards = await Guards.StartAsync(
            redis, """{"normal":{}}""", Token, ("Guard:Runners:LostAfter", "00:00:03"), ("Guard:Runners:EligibleAfter", "00:00:02"));
        await using var doomed = await RunnerUnderTest.StartAsync(guards.First.ControlAddress, "doomed", 1, Actors, Token);
        var actors = new Dictionary<string, List<string>>();
        foreach (var policy in new[] { "sleep", "restart", "destroy" })
        {
            actors[policy] = await guards.CreateActorsAsync(Actors / 3, policy, Token);
        }

        await guards.WakeAsync(actors.Values.SelectMany(a => a), Token);
        await using var survivor = await RunnerUnderTest.StartAsync(guards.Last.ControlAddress, "survivor", 1, Actors * 2, Token);

        // A lease that was taken at the start, and contact for LostAfter since.
        await Task.Delay(lostAfter + TimeSpan.FromSeconds(1), TimeProvider.System, Token);
        var killed = await doomed.KillAsync(Token);

        var settled = TimeSpan.Zero;
        await TwoGuards.UntilAsync(
            async () =>
            {
                var restarted = await guards.ReadAsync(actors["restart"], Token);
                var others = await guards.ReadAsync(actors["sleep"].Concat(actors["destroy"]), Token);
                settled = TimeProvider.System.GetElapsedTime(killed);
                return restarted.All(a => a.GetProperty("connectable_ts").ValueKind == JsonValueKind.Number && a.GetProperty("generation").GetInt64() > 1)
                    && others.All(a => a.TryGetProperty("error", out _));
            },
            "back, or with the right error",
            Token);

        foreach (var actor in await guards.ReadAsync(actors["sleep"].Concat(actors["destroy"]), Token))
        {
            Assert.Equal(doomed.RunnerId, actor.GetProperty("error").GetProperty("runner_connection_lost").GetProperty("runner_id").GetString());
            Assert.Equal(actor.GetProperty("crash_policy").GetString() == "destroy", actor.GetProperty("destroy_ts").ValueKind == JsonValueKind.Number);
        }

        foreach (var actor in await guards.ReadAsync(actors["restart"], Token))
        {
            Assert.Equal((2L, survivor.RunnerId), (actor.GetProperty("generation").GetInt64(), actor.GetProperty("runner_id").GetString()));
            Assert.False(actor.TryGetProperty("error", out _));
        }

        // The next request wakes those that sleep; then the slots taken are those of the actors that run.
        await guards.WakeAsync(actors["sleep"], Token);
        await guards.AssertSlotsAsync(survivor.RunnerId, actors["sleep"].Count + actors["restart"].Count, Token);
        RunnerUnderTest.AssertNoOverlap(doomed, survivor);
        output.WriteLine($"kill -9 of a runner with {Actors} ready actors ({(redis ? "Redis, two Guards" : "Memory")}): all settled {settled.TotalSeconds:0.0} s after it, LostAfter {lostAfter.TotalSeconds:0} s");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RollingUpgrade_ThreeRunners1000ActorsUnderLoad_NoRequestFails(bool redis)
    {
        await using var guards = await Guards.StartAsync(redis, """{"normal":{"actor_eviction_rate":200}}""", Token);
        var old = new List<RunnerUnderTest>();
        var fresh = new List<RunnerUnderTest>();
        for (var i = 0; i < 3; i++)
        {
            old.Add(await RunnerUnderTest.StartAsync(guards.First.ControlAddress, $"old-{i}", 1, Actors, Token));
        }

        // Some come back by themselves, the others because they are asked for.
        var actors = (await guards.CreateActorsAsync(Actors / 2, "restart", Token)).Concat(await guards.CreateActorsAsync(Actors / 2, "sleep", Token)).ToArray();
        await guards.WakeAsync(actors, Token);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var failures = new ConcurrentBag<string>();
        var answered = 0;
        var slowest = 0d;
        var load = Enumerable.Range(0, 16).Select(async worker =>
        {
            for (var i = worker; !enough.IsCancellationRequested; i += 16)
            {
                var since = TimeProvider.System.GetTimestamp();
                var answer = await guards.PostAsync(worker % 2 == 0 ? guards.First : guards.Last, actors[i % actors.Length], Token);
                var took = TimeProvider.System.GetElapsedTime(since).TotalMilliseconds;
                InterlockedMax(ref slowest, took);
                Interlocked.Increment(ref answered);
                if (!answer.StartsWith("200", StringComparison.Ordinal))
                {
                    failures.Add(answer);
                }
            }
        }).ToArray();

        var began = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < 3; i++)
        {
            fresh.Add(await RunnerUnderTest.StartAsync(guards.Last.ControlAddress, $"new-{i}", 2, Actors, Token));
        }

        foreach (var runner in old)
        {
            await TwoGuards.UntilAsync(
                async () => (await guards.OwnedAsync(runner.RunnerId, Token)) == 0, "drained", Token);
            await runner.TerminateAsync(Token);
        }

        var drained = TimeProvider.System.GetElapsedTime(began);
        await TwoGuards.UntilAsync(
            async () => (await guards.ReadAsync(actors, Token)).All(a => a.GetProperty("connectable_ts").ValueKind == JsonValueKind.Number),
            "all ready again", Token);
        await enough.CancelAsync();
        await Task.WhenAll(load);

        Assert.Empty(failures);
        Assert.True(answered > Actors, $"only {answered} requests");
        Assert.Equal(3, await guards.DrainsAsync(Token));
        Assert.Equal(Actors, (await guards.OwnedAsync(fresh, Token)).Sum());
        RunnerUnderTest.AssertNoOverlap([.. old, .. fresh]);
        output.WriteLine(
            $"rolling upgrade, 3 runners, {Actors} actors ({(redis ? "Redis, two Guards" : "Memory")}): {answered} POSTs answered, 0 failed, slowest {slowest:0} ms; old runners empty after {drained.TotalSeconds:0.0} s");
        foreach (var runner in old.Concat(fresh))
        {
            await runner.DisposeAsync();
        }
    }

    private static void InterlockedMax(ref double target, double value)
    {
        var seen = Volatile.Read(ref target);
        while (value > seen && Interlocked.CompareExchange(ref target, value, seen) is var now && now != seen)
        {
            seen = now;
        }
    }

    /// <summary>One Guard on the embedded store, or two on a Redis; a pool <c>default</c>.</summary>
    private sealed class Guards(RedisServer? redis, params GuardProcess[] guards) : IAsyncDisposable
    {
        public GuardProcess First => guards[0];

        public GuardProcess Last => guards[^1];

        public static async Task<Guards> StartAsync(bool redis, string pool, CancellationToken cancellationToken, params (string, string)[] settings)
        {
            var server = redis ? await RedisServer.StartAsync() : null;
            (string, string)[] all = [.. server is null ? [] : TwoGuards.OnRedis(server.Address), .. settings];
            var guards = await Task.WhenAll(Enumerable.Range(0, redis ? 2 : 1).Select(_ => GuardProcess.StartAsync(cancellationToken, all)));
            await guards[0].Control.CallAsync(
                HttpMethod.Put, "runner-configs/default?namespace=default", $$$"""{"datacenters":{"default":{{{pool}}}}}""", cancellationToken);
            return new(server, guards);
        }

        public async Task<List<string>> CreateActorsAsync(int count, string policy, CancellationToken cancellationToken)
        {
            var ids = new ConcurrentBag<string>();
            await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = cancellationToken }, async (_, ct) =>
                ids.Add(await First.Control.CreateActorAsync("default", ct, crashPolicy: policy)));
            return [.. ids];
        }

        public async Task WakeAsync(IEnumerable<string> actors, CancellationToken cancellationToken)
            => await Parallel.ForEachAsync(actors, new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = cancellationToken }, async (actor, ct) =>
                Assert.StartsWith("200", await TwoGuards.AskAsync(Last, actor, ct), StringComparison.Ordinal));

        /// <summary>One request that is not idempotent, with a body: only a refusal that proves it was not run may send it again.</summary>
        public async Task<string> PostAsync(GuardProcess guard, string actor, CancellationToken cancellationToken)
        {
            using var body = new StringContent(new string('b', 1000));
            using var response = await guard.Client.PostAsync(new Uri($"/gateway/{actor}/hello", UriKind.Relative), body, cancellationToken);
            return $"{(int)response.StatusCode} {(response.Headers.TryGetValues("x-rivet-error", out var error) ? string.Join(',', error) : "")}";
        }

        public async Task<List<JsonElement>> ReadAsync(IEnumerable<string> actors, CancellationToken cancellationToken)
        {
            var all = new List<JsonElement>();
            foreach (var ids in actors.Chunk(200))
            {
                var page = await First.Control.CallAsync(
                    HttpMethod.Get, $"actors?namespace=default&limit=1000&include_destroyed=true&actor_ids={string.Join(',', ids)}", null, cancellationToken);
                all.AddRange(page.GetProperty("actors").EnumerateArray());
            }

            return all;
        }

        /// <summary>Actors of a runner; 0 when it is gone.</summary>
        public async Task<int> OwnedAsync(string runnerId, CancellationToken cancellationToken)
        {
            using var reply = await First.Control.SendAsync(HttpMethod.Get, $"runners/{runnerId}/actors", null, cancellationToken);
            return reply.IsSuccessStatusCode
                ? JsonElement.Parse(await reply.Content.ReadAsStringAsync(cancellationToken)).GetProperty("actors").GetArrayLength()
                : 0;
        }

        public async Task<int[]> OwnedAsync(IEnumerable<RunnerUnderTest> runners, CancellationToken cancellationToken)
            => await Task.WhenAll(runners.Select(r => OwnedAsync(r.RunnerId, cancellationToken)));

        public async Task AssertSlotsAsync(string runnerId, int taken, CancellationToken cancellationToken)
        {
            var runners = await First.Control.CallAsync(HttpMethod.Get, "runners?namespace=default&include_stopped=true", null, cancellationToken);
            foreach (var runner in runners.GetProperty("runners").EnumerateArray())
            {
                var (total, left) = (runner.GetProperty("total_slots").GetInt32(), runner.GetProperty("remaining_slots").GetInt32());
                Assert.Equal(runner.GetProperty("runner_id").GetString() == runnerId ? total - taken : 0, left);
            }
        }

        /// <summary>Runners drained by version, over all Guards.</summary>
        public async Task<double> DrainsAsync(CancellationToken cancellationToken)
            => (await Task.WhenAll(guards.Select(g =>
                g.MetricAsync("guard_runner_version_upgrade_drain_total{namespace=\"default\",pool=\"default\"}", cancellationToken)))).Sum();

        public async ValueTask DisposeAsync()
        {
            foreach (var guard in guards)
            {
                await guard.DisposeAsync();
            }

            if (redis is not null)
            {
                await redis.DisposeAsync();
            }
        }
    }
}
