using System.Net;
using System.Text.Json;
using Guard.Scenarios.Replicas;
using Guard.Scenarios.Support;
using Guard.TestSupport;

namespace Guard.Scenarios.Control;

/// <summary>What comes from outside (messages, bodies, headers, URLs) as replies and logs show it, on the real binary.</summary>
public sealed class SanitisingTests(ITestOutputHelper output)
{
    private const string Nasty = "first\nSecond: line\u001b[31m <script>alert(1)</script> end";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string Json(string text) => JsonSerializer.Serialize(text);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PoolError_BodyOf10MB_IsKeptCutAtACharacter(bool onRedis)
    {
        await using var redis = onRedis ? await RedisServer.StartAsync() : null;
        await using var guard = await GuardProcess.StartAsync(Token, redis is null ? [] : TwoGuards.OnRedis(redis.Address));
        await guard.Control.PutPoolAsync("default", Token);
        var before = guard.PeakResidentBytes;
        var body = new string('x', 511) + string.Concat(Enumerable.Repeat("é", 5 * 1024 * 1024));

        await ReportAsync(guard, $$$"""{"serverless_http_error":{"status_code":500,"body":"{{{body}}}"}}""");

        var configs = await guard.Control.CallAsync(HttpMethod.Get, "runner-configs?namespace=default", null, Token);
        var kept = configs.GetProperty("runner_configs").GetProperty("default").GetProperty("datacenters").GetProperty("default")
            .GetProperty("runner_pool_error").GetProperty("serverless_http_error").GetProperty("body").GetString()!;
        Assert.Equal(new string('x', 511), kept);
        output.WriteLine($"10 MB error body: peak memory grew by {(guard.PeakResidentBytes - before) >> 20} MiB");
        Assert.InRange(guard.PeakResidentBytes - before, 0, 400L << 20);
    }

    /// <summary>Again, when told to come again: on a busy machine Redis does not get to answer within its second.</summary>
    private static async Task ReportAsync(GuardProcess guard, string error)
    {
        for (var left = 5; ; left--)
        {
            try
            {
                await guard.Control.ReportPoolErrorAsync("default", Token, error);
                return;
            }
            catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.ServiceUnavailable && left > 0)
            {
            }
        }
    }

    [Fact]
    public async Task PoolError_LongerThanAnyReport_413()
    {
        await using var guard = await GuardProcess.StartAsync(Token);
        await guard.Control.PutPoolAsync("default", Token);

        using var reply = await guard.Control.SendAsync(
            HttpMethod.Post, "pool-health/default/errors?namespace=default",
            $$$"""{"serverless_connection_error":{"message":"{{{new string('x', 17 << 20)}}}"}}""", Token);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, reply.StatusCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CrashMessage_OfTenMegabytes_EventIsTakenAndTheMessageCut(bool onRedis)
    {
        await using var redis = onRedis ? await RedisServer.StartAsync() : null;
        await using var guard = await GuardProcess.StartAsync(Token, redis is null ? [] : TwoGuards.OnRedis(redis.Address));
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        var actor = await ReadyAsync(guard);

        Assert.Equal("ok", await runner.SendEventAsync(actor, 1, "crashed", Token, new string('m', 10 << 20)));

        var error = (await guard.Control.GetActorAsync(actor, Token)).GetProperty("error");
        Assert.Equal(new string('m', 512), error.GetProperty("crashed").GetProperty("message").GetString());
    }

    [Fact]
    public async Task Reports_WithTextThatIsNone_AreTaken()
    {
        await using var guard = await GuardProcess.StartAsync(Token);
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        var actor = await ReadyAsync(guard);

        var events = """{"events":[{"actor_id":"ID","generation":1,"event":"crashed","message":"cut \ud83d and\u0000"}]}""";
        await guard.Control.CallAsync(HttpMethod.Post, $"runners/{runner.RunnerId}/events", events.Replace("ID", actor, StringComparison.Ordinal), Token);
        await guard.Control.ReportPoolErrorAsync("default", Token, """{"serverless_connection_error":{"message":"\u0000\ude00"}}""");

        var error = (await guard.Control.GetActorAsync(actor, Token)).GetProperty("error");
        Assert.Equal("cut \ufffd and\ufffd", error.GetProperty("crashed").GetProperty("message").GetString());
        var health = await guard.Control.CallAsync(HttpMethod.Get, "pool-health/default?namespace=default", null, Token);
        Assert.Equal(
            "\ufffd\ufffd",
            health.GetProperty("active_error").GetProperty("error").GetProperty("serverless_connection_error").GetProperty("message").GetString());
    }

    [Fact]
    public async Task CrashMessage_ControlsAndHtml_HarmlessInRepliesAndOneLineInTheLog()
    {
        await using var guard = await GuardProcess.StartAsync(Token);
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        var actor = await ReadyAsync(guard);

        var reply = await guard.Control.CallAsync(
            HttpMethod.Post, $"runners/{runner.RunnerId}/events",
            $$"""{"events":[{"actor_id":"{{actor}}","generation":1,"event":"crashed","message":{{Json(Nasty)}}}]}""", Token);
        Assert.Equal("ok", reply.GetProperty("results")[0].GetString());
        using var shown = await guard.Control.SendAsync(HttpMethod.Get, $"actors?namespace=default&actor_ids={actor}", null, Token);
        var text = await shown.Content.ReadAsStringAsync(Token);
        await guard.WaitForOutputAsync("crashed on runner", Token);

        Assert.Equal("application/json", shown.Content.Headers.ContentType!.MediaType);
        Assert.Equal("nosniff", shown.Headers.GetValues("x-content-type-options").Single());
        Assert.DoesNotContain('<', text);
        Assert.Contains("\\u003Cscript\\u003E", text, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(guard.Output.Split('\n'), l => l.Contains("firstSecond: line[31m <script>alert(1)</script> end", StringComparison.Ordinal));
        Assert.DoesNotContain(guard.Output.Split('\n'), l => l.StartsWith("Second:", StringComparison.Ordinal));
        Assert.DoesNotContain('\u001b', guard.Output.Replace("\u001b[", "", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("runner-configs/p?namespace=default", """{"datacenters":{"default":{"serverless":{"url":"http://admin:hunter2@app.example.com/","request_lifespan":60}}}}""")]
    [InlineData("runners?namespace=default", """{"name":"default","key":"k","version":1,"endpoint":"http://admin:hunter2@app.example.com/","total_slots":1}""")]
    public async Task UserInfo_InAUrl_RefusedWithoutEcho(string path, string body)
    {
        await using var guard = await GuardProcess.StartAsync(Token);
        await guard.Control.PutPoolAsync("default", Token);

        using var reply = await guard.Control.SendAsync(path.StartsWith("runners", StringComparison.Ordinal) ? HttpMethod.Post : HttpMethod.Put, path, body, Token);
        var text = await reply.Content.ReadAsStringAsync(Token);

        Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
        Assert.Contains("must not carry user information", text, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", text + guard.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Gateway_RedPool_ShowsTheKindOfTheErrorAndNothingItSaid()
    {
        // Only one probe, however long the test takes.
        await using var guard = await GuardProcess.StartAsync(Token, ("Guard:FailFast:ProbeInterval", "00:10:00"));
        await guard.Control.PutPoolAsync("default", Token);
        var actor = await guard.Control.CreateActorAsync("default", Token);
        await guard.Control.ReportPoolErrorAsync("default", Token, """{"serverless_http_error":{"status_code":500,"body":"s3cret-body"}}""");

        // The first one is the probe, and waits.
        using var left = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var probe = guard.Client.GetAsync(new Uri($"/gateway/{actor}/x", UriKind.Relative), left.Token);
        await TwoGuards.UntilHeldAsync(guard, 1, Token);
        var other = await guard.Control.CreateActorAsync("default", Token);
        using var again = await guard.Client.GetAsync(new Uri($"/gateway/{other}/x", UriKind.Relative), Token);
        var text = await again.Content.ReadAsStringAsync(Token);

        Assert.Contains("serverless_http_error", text, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret-body", text, StringComparison.Ordinal);
        await left.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => probe);
    }

    [Fact]
    public async Task Logs_AtTraceWithSecretsEverywhere_HoldNone()
    {
        string[] secrets = ["ctl-s3cret", "run-s3cret", "chan-s3cret", "hdr-s3cret", "rvt-s3cret", "path-s3cret", "xrt-s3cret"];
        await using var guard = await GuardProcess.StartAsync(
            Token,
            ("Logging:LogLevel:Default", "Trace"),
            ("Guard:Control:RunnerTokens:0", secrets[1]),
            ("Guard:Runners:Token", secrets[2]));
        await guard.Control.PutPoolAsync("default", Token);
        await guard.Control.CallAsync(
            HttpMethod.Put, "runner-configs/fn?namespace=default",
            $$$$$"""{"datacenters":{"default":{"serverless":{"url":"http://127.0.0.1:9/","headers":{"authorization":"{{{{{secrets[3]}}}}}"},"request_lifespan":3600}}}}""", Token);
        var shown = await guard.Control.Client.GetStringAsync("runner-configs?namespace=default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        var actor = await ReadyAsync(guard);
        Assert.Equal(secrets[2], runner.Starts.Single().Channel);
        using var byPath = await guard.Client.GetAsync(new Uri($"/gateway/{actor}@{secrets[5]}/x", UriKind.Relative), Token);
        using var byQuery = await guard.Client.GetAsync(
            new Uri($"/gateway/counter/x?rvt-namespace=default&rvt-method=get&rvt-key=none&rvt-token={secrets[4]}", UriKind.Relative), Token);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/request/x");
        request.Headers.Add("x-rivet-target", "actor");
        request.Headers.Add("x-rivet-actor", actor);
        request.Headers.Add("x-rivet-token", secrets[6]);
        using var byHeader = await guard.Client.SendAsync(request, Token);
        using var wrong = new HttpRequestMessage(HttpMethod.Get, "actors?namespace=default&name=a");
        wrong.Headers.Authorization = new("Bearer", secrets[0]);
        using var refused = await guard.Control.Client.SendAsync(wrong, Token);
        Assert.Equal("ok", await runner.SendEventAsync(actor, 1, "ready", Token));
        Assert.Equal(0, await guard.TerminateAsync(Token));

        Assert.Contains("dbug: ", guard.Output, StringComparison.Ordinal);
        var metrics = string.Concat(shown, guard.Output);
        Assert.All(secrets, s => Assert.DoesNotContain(s, metrics, StringComparison.Ordinal));
    }

    private static async Task<string> ReadyAsync(GuardProcess guard)
    {
        var actor = await guard.Control.CreateActorAsync("default", Token);
        using var reply = await guard.Client.GetAsync(new Uri($"/gateway/{actor}/x", UriKind.Relative), Token);
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        return actor;
    }
}
