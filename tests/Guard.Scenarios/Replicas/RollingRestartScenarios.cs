using System.Collections.Concurrent;
using System.Net.WebSockets;
using Guard.Scenarios.Support;
using Guard.TestSupport;
using Microsoft.AspNetCore.Http;

namespace Guard.Scenarios.Replicas;

/// <summary>Two real Guards on one real Redis behind a balancer are replaced one after the other under load, and nobody notices.</summary>
public sealed class RollingRestartScenarios(ITestOutputHelper output)
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    // A start lasts here until another Guard has come up, which takes a busy machine long.
    private static readonly (string, string)[] Timing =
        [("Guard:Shutdown:Delay", "00:00:01"), ("Guard:Shutdown:DrainTimeout", "00:00:10"), ("Guard:Runners:StartTimeout", "00:01:00")];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TwoGuards_ReplacedUnderLoad_NoRequestFailsAndWebSocketsSee1001()
    {
        await using var redis = await RedisServer.StartAsync();
        (string, string)[] settings = [.. TwoGuards.OnRedis(redis.Address), .. Timing];
        await using var last = await GuardProcess.StartAsync(Token, settings);
        await last.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(last.ControlAddress, new RunnerSettings(), Token);
        runner.OnRequest = ServeAsync;
        var actor = await last.Control.CreateActorAsync("default", Token);
        var slow = await last.Control.CreateActorAsync("default", Token);
        var woken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        runner.Script(slow, async (_, _, _) => await woken.Task);

        // The runner heartbeats to a Guard that stays; the two that serve come and go.
        await using var first = await GuardProcess.StartAsync(Token, settings);
        await using var second = await GuardProcess.StartAsync(Token, settings);
        await using var balancer = new TcpBalancer(first, second);
        var record = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        using var enough = new CancellationTokenSource();
        Task[] load = [.. Enumerable.Range(0, 16).Select(_ => RequestAsync(balancer.Address, actor, record, enough.Token))];
        Task[] sockets = [.. Enumerable.Range(0, 8).Select(_ => TalkAsync(balancer.Address, actor, record, enough.Token))];

        // Held on the Guard that goes first, until after it was told to go.
        var held = Enumerable.Range(0, 4).Select(_ => TwoGuards.AskAsync(first, slow, Token)).ToArray();
        await TwoGuards.UntilHeldAsync(first, held.Length, Token);

        await using var third = await GuardProcess.StartAsync(Token, settings);
        balancer.Add(third);
        var exits = first.TerminateAsync(Token);
        await first.WaitForOutputAsync("no new clients", Token);
        woken.SetResult();
        Assert.All(await Task.WhenAll(held).WaitAsync(Bound, Token), answer => Assert.StartsWith("200 ", answer, StringComparison.Ordinal));
        Assert.Equal(0, await exits);
        balancer.Remove(first);

        await using var fourth = await GuardProcess.StartAsync(Token, settings);
        balancer.Add(fourth);
        Assert.Equal(0, await second.TerminateAsync(Token));
        balancer.Remove(second);

        await enough.CancelAsync();
        await Task.WhenAll([.. load, .. sockets]).WaitAsync(Bound, Token);
        output.WriteLine(string.Join(", ", record.OrderBy(r => r.Key).Select(r => $"{r.Key}: {r.Value}")));
        Assert.Equal(["200", "closed 1001", "echo"], record.Keys.Order(StringComparer.Ordinal));
        Assert.InRange(record["closed 1001"], 8, int.MaxValue);
    }

    /// <summary>One request after the other over one connection, for as long as the server keeps it.</summary>
    private static async Task RequestAsync(Uri balancer, string actor, ConcurrentDictionary<string, int> record, CancellationToken enough)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, MaxConnectionsPerServer = 1 }) { BaseAddress = balancer, Timeout = Bound };
        while (!enough.IsCancellationRequested)
        {
            string outcome;
            try
            {
                // With a body it is sent once: the client does not try again behind our back.
                using var reply = await client.PostAsync(new Uri($"/gateway/{actor}/hello", UriKind.Relative), new StringContent("hello"), CancellationToken.None);
                outcome = ((int)reply.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture);
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                outcome = e.GetBaseException().Message;
            }

            record.AddOrUpdate(outcome, 1, static (_, n) => n + 1);
        }
    }

    /// <summary>Talks on a WebSocket until the server closes it, then on the next.</summary>
    private static async Task TalkAsync(Uri balancer, string actor, ConcurrentDictionary<string, int> record, CancellationToken enough)
    {
        while (!enough.IsCancellationRequested)
        {
            string outcome;
            try
            {
                outcome = await TalkOnceAsync(balancer, actor, record, enough);
            }
            catch (WebSocketException e)
            {
                outcome = e.GetBaseException().Message;
            }

            record.AddOrUpdate(outcome, 1, static (_, n) => n + 1);
        }
    }

    private static async Task<string> TalkOnceAsync(Uri balancer, string actor, ConcurrentDictionary<string, int> record, CancellationToken enough)
    {
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri($"ws://{balancer.Authority}/gateway/{actor}/ws"), Token).WaitAsync(Bound, Token);
        var buffer = new byte[64];
        while (true)
        {
            if (enough.IsCancellationRequested)
            {
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Token);
                return "echo";
            }

            await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, Token);
            var received = await socket.ReceiveAsync(buffer, Token).WaitAsync(Bound, Token);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Token);
                return $"closed {(int)socket.CloseStatus!.Value}";
            }

            record.AddOrUpdate("echo", 1, static (_, n) => n + 1);
        }
    }

    private static async Task ServeAsync(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            await context.Response.WriteAsync("hello");
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[64];
        try
        {
            while (true)
            {
                var received = await socket.ReceiveAsync(buffer, context.RequestAborted);
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
                    return;
                }

                await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException)
        {
            // The client left.
        }
    }
}
