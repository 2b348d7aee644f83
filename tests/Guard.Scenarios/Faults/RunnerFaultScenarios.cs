using System.Net;
using Guard.Scenarios.Support;
using Guard.TestSupport;
using Microsoft.AspNetCore.Http;

namespace Guard.Scenarios.Faults;

/// <summary>Each way a runner can fail, on the real binary: what the client gets, and when.</summary>
public sealed class RunnerFaultScenarios(ITestOutputHelper output)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private const string StartTimeout = "Guard:Runners:StartTimeout";
    private const string ReadyTimeout = "Guard:Runners:ReadyTimeout";
    private const string Timeout = "Guard:Readiness:Timeout";

    public static TheoryData<string, string, string?, int> Faults() => new()
    {
        // fault, answer, the limit that ends it and its seconds; null is answered at once
        { "500 to start", "503 actor.crashed", null, 0 },
        { "404 to start", "503 actor.crashed", null, 0 },
        { "hangs on start", "503 actor.runner_no_response", StartTimeout, 2 },
        { "resets on start", "503 actor.runner_no_response", null, 0 },
        { "202 and never ready", "503 actor.runner_no_response", ReadyTimeout, 2 },
        { "202 then crashed", "503 actor.crashed", null, 0 },
        { "202 then stopped, each time", "503 guard.actor_wake_retries_exceeded", null, 0 },
        { "refuses connections", "503 guard.actor_ready_timeout", Timeout, 4 },
        { "resets before the reply", "502 guard.upstream_error", null, 0 },
    };

    /// <summary>Every limit but the one that has to end the request is longer than the client waits for any answer, so that an answer shows which
    /// limit gave it, on a machine as busy as it may be.</summary>
    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Request_RunnerFails_AnsweredByTheLimitItRanInto(string fault, string answer, string? limit, int seconds)
    {
        await using var guard = await GuardProcess.StartAsync(
            Token,
            (StartTimeout, Of(StartTimeout)),
            (ReadyTimeout, Of(ReadyTimeout)),
            (Timeout, Of(Timeout)),
            ("Guard:Readiness:MaxWakeRetries", "2"));
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        await BreakAsync(runner, fault);
        var actor = await guard.Control.CreateActorAsync("default", Token);

        var since = TimeProvider.System.GetTimestamp();
        var got = await AskAsync(guard, actor);
        var took = TimeProvider.System.GetElapsedTime(since);

        output.WriteLine($"{fault}: {got} after {took.TotalMilliseconds:0} ms");
        Assert.Equal(answer, got);
        Assert.True(took > TimeSpan.FromSeconds(seconds) * 0.95, $"{took} is before the limit");

        string Of(string key) => key == limit ? $"00:00:0{seconds}" : "00:30:00";
    }

    [Fact]
    public async Task Request_RunnerResetsMidReply_ReplyIsCutOffNotEnded()
    {
        await using var guard = await GuardProcess.StartAsync(Token);
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        using var seen = new SemaphoreSlim(0);
        runner.OnRequest = async context =>
        {
            await context.Response.WriteAsync("the beginning", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await seen.WaitAsync(context.RequestAborted);
            StartScripts.ResetConnection(context);
        };
        var actor = await guard.Control.CreateActorAsync("default", Token);
        using var response = await guard.Client.GetAsync(
            new Uri($"/gateway/{actor}/hello", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Token);
        var body = await response.Content.ReadAsStreamAsync(Token);
        var buffer = new byte[64];
        Assert.True(await body.ReadAsync(buffer, Token) > 0);

        seen.Release();

        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            while (await body.ReadAsync(buffer, Token) > 0)
            {
            }
        });
    }

    [Fact]
    public async Task Request_RunnerRestartsWithinTwoSeconds_ServedInANewGeneration()
    {
        await using var guard = await GuardProcess.StartAsync(Token);
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        var actor = await guard.Control.CreateActorAsync("default", Token);
        Assert.Equal("200 /hello", await AskAsync(guard, actor));

        await runner.RefuseAsync();
        runner.ForgetAll();
        var request = AskAsync(guard, actor);
        await Task.Delay(TimeSpan.FromSeconds(1.5), TimeProvider.System, Token);
        Assert.False(request.IsCompleted);
        await runner.ListenAsync(Token);
        var back = TimeProvider.System.GetTimestamp();

        Assert.Equal("200 /hello", await request);
        var took = TimeProvider.System.GetElapsedTime(back);
        output.WriteLine($"served {took.TotalMilliseconds:0} ms after the runner was back");

        Assert.Equal(2, runner.Starts.Max(s => s.Generation));
    }

    [Fact]
    public async Task Request_RunnerIsLostForGood_OtherRunnerTakesTheActor()
    {
        await using var guard = await GuardProcess.StartAsync(
            Token, ("Guard:Runners:EligibleAfter", "00:00:01"), ("Guard:Runners:LostAfter", "00:00:02"));
        await guard.Control.PutPoolAsync("default", Token);
        await using var first = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        var actor = await guard.Control.CreateActorAsync("default", Token);
        Assert.Equal("200 /hello", await AskAsync(guard, actor));
        await using var second = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);

        first.StopHeartbeats();
        await first.RefuseAsync();
        var since = TimeProvider.System.GetTimestamp();

        Assert.Equal("200 /hello", await AskAsync(guard, actor));
        output.WriteLine($"served by the other runner after {TimeProvider.System.GetElapsedTime(since).TotalMilliseconds:0} ms (LostAfter 2 s)");
        Assert.Equal(1, second.StartsOf(actor));
    }

    [Fact]
    public async Task Request_RunnerAnswers421Once_ServedInANewGenerationWithGuardsHeaders()
    {
        await using var guard = await GuardProcess.StartAsync(Token);
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        var asked = 0;
        runner.OnRequest = context =>
        {
            context.Response.StatusCode = Interlocked.Increment(ref asked) == 1 ? StatusCodes.Status421MisdirectedRequest : StatusCodes.Status200OK;
            context.Response.Headers["x-try"] = $"{asked}";
            return Task.CompletedTask;
        };
        var actor = await guard.Control.CreateActorAsync("default", Token);

        using var reply = await guard.Client.GetAsync(new Uri($"/gateway/{actor}/hello", UriKind.Relative), Token);

        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.Equal(["2"], reply.Headers.GetValues("x-try"));
        Assert.Equal(["*"], reply.Headers.GetValues("access-control-allow-origin"));
        Assert.Equal(["*"], reply.Headers.GetValues("access-control-expose-headers"));
        Assert.Single(reply.Headers.GetValues("x-rivet-ray-id"));
    }

    [Fact]
    public async Task Request_RunnerAnswers421Again_ServiceUnavailable()
    {
        await using var guard = await GuardProcess.StartAsync(Token);
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        runner.OnRequest = context =>
        {
            context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
            return Task.CompletedTask;
        };
        var actor = await guard.Control.CreateActorAsync("default", Token);

        Assert.Equal("503 guard.service_unavailable", await AskAsync(guard, actor));
        Assert.Equal(2, runner.Deliveries.Count);
    }

    private static async Task BreakAsync(ScriptedRunner runner, string fault)
    {
        switch (fault)
        {
            case "500 to start":
                runner.OnStart = StartScripts.Fail;
                break;
            case "404 to start":
                runner.OnStart = StartScripts.Status(404);
                break;
            case "hangs on start":
                runner.OnStart = StartScripts.Hang;
                break;
            case "resets on start":
                runner.OnStart = StartScripts.Reset;
                break;
            case "202 and never ready":
                runner.OnStart = StartScripts.AcceptOnly;
                break;
            case "202 then crashed":
                runner.OnStart = StartScripts.CrashedBeforeReady;
                break;
            case "202 then stopped, each time":
                runner.OnStart = StartScripts.StoppedBeforeReady;
                break;
            case "refuses connections":
                await runner.RefuseAsync();
                break;
            case "resets before the reply":
                runner.OnRequest = context =>
                {
                    StartScripts.ResetConnection(context);
                    return Task.CompletedTask;
                };
                break;
            default:
                throw new ArgumentException(fault, nameof(fault));
        }
    }

    private static async Task<string> AskAsync(GuardProcess guard, string actor)
    {
        using var response = await guard.Client.GetAsync(new Uri($"/gateway/{actor}/hello", UriKind.Relative), Token);
        return response.StatusCode == HttpStatusCode.OK
            ? $"200 {await response.Content.ReadAsStringAsync(Token)}"
            : $"{(int)response.StatusCode} {response.Headers.GetValues("x-rivet-error").Single()}";
    }
}
