using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Guard.Scenarios.Edge;

/// <summary>Clients that take their time, on purpose or because they are gone: each costs little and not for long.</summary>
public sealed class SlowClientTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("G")]
    [InlineData("GET /gateway/{actor}/x HTTP/1.1\r\nHost: a\r\nX-Slow: ")]
    [InlineData("GET /gateway/{actor}/x HTTP/1.1\r\nHost: a\r\n")]
    public async Task Send_HeadThatNeverEnds_RefusedAndClosed(string start)
    {
        await using var edge = await EdgeGuard.StartAsync([("Guard:Limits:RequestHeadersTimeout", "00:00:01")], Token);
        var client = ClientAddress.Next();

        var reply = Encoding.Latin1.GetString(await edge.SendAsync(start, Token, client));

        Assert.StartsWith("HTTP/1.1 408 ", reply, StringComparison.Ordinal);
        Assert.Contains("Connection: close\r\n", reply, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(edge.SeenFrom(client));
    }

    [Fact]
    public async Task Send_BodyThatStops_RefusedAndRunnerSeesItUnfinished()
    {
        await using var edge = await EdgeGuard.StartAsync(
            [("Guard:Limits:MinRequestBytesPerSecond", "240"), ("Guard:Limits:RateGracePeriod", "00:00:02")], Token);
        var client = ClientAddress.Next();

        var reply = Encoding.Latin1.GetString(
            await edge.SendAsync("POST /gateway/{actor}/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc", Token, client));
        await edge.Process.KillAsync(Token);
        await edge.Runner.DisposeAsync();

        Assert.StartsWith("HTTP/1.1 504 ", reply, StringComparison.Ordinal);
        Assert.Contains("\"phase\":\"request_body\"", reply, StringComparison.Ordinal);
        Assert.All(edge.SeenFrom(client), r => Assert.False(r.IsComplete));
    }

    [Fact]
    public async Task Send_BodyThatPausesWithoutARate_BoundedByTheActivityTimeout()
    {
        await using var edge = await EdgeGuard.StartAsync([("Guard:Forwarding:ActivityTimeout", "00:00:01")], Token);

        var reply = Encoding.Latin1.GetString(
            await edge.SendAsync("POST /gateway/{actor}/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", Token));

        Assert.StartsWith("HTTP/1.1 504 ", reply, StringComparison.Ordinal);
        Assert.Contains("x-rivet-error: guard.request_timeout", reply, StringComparison.Ordinal);
    }

    /// <summary>By a rate that is above what the kernel's buffers, which count as taken, hide; and by the silence.</summary>
    [Theory]
    [InlineData("Guard:Limits:MinResponseBytesPerSecond", "100000000")]
    [InlineData("Guard:Forwarding:ActivityTimeout", "00:00:02")]
    public async Task Receive_ReplyNobodyReads_CutOffAndMemoryStaysFlat(string key, string value)
    {
        await using var edge = await EdgeGuard.StartAsync([(key, value), ("Guard:Limits:RateGracePeriod", "00:00:02")], Token);
        var broken = new CountdownEvent(20);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        edge.Runner.OnRequest = async (request, number, stream, token) =>
        {
            if (request.Target != "/big")
            {
                return await RecordingRunner.ReplyAsync(request, number, stream, token);
            }

            try
            {
                await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"u8.ToArray(), token);
                for (var i = 0; i < 100; i++)
                {
                    await stream.WriteAsync(new byte[1_000_000], token);
                }
            }
            catch (IOException)
            {
                if (broken.Signal())
                {
                    ended.SetResult();
                }
            }

            return false;
        };
        var before = edge.Process.ResidentBytes;
        var clients = new List<NetworkStream>();
        for (var i = 0; i < 20; i++)
        {
            var client = await edge.ConnectAsync(Token);
            clients.Add(client);
            await client.WriteAsync(Encoding.ASCII.GetBytes(edge.Fill("GET /gateway/{actor}/big HTTP/1.1\r\nHost: a\r\n\r\n")), Token);
        }

        await ended.Task.WaitAsync(TimeSpan.FromMinutes(2), Token);

        Assert.InRange(edge.Process.ResidentBytes - before, long.MinValue, 64 * 1024 * 1024);
        clients.ForEach(c => c.Dispose());
        broken.Dispose();
    }

    [Fact]
    public async Task Connect_ThousandsIdle_ClosedInTimeAndMemoryStaysFlat()
    {
        const int Count = 2000;
        await using var edge = await EdgeGuard.StartAsync([("Guard:Limits:KeepAliveTimeout", "00:00:05")], Token);
        var before = edge.Process.ResidentBytes;
        var clients = new List<NetworkStream>();
        for (var i = 0; i < Count; i++)
        {
            clients.Add(await edge.ConnectAsync(Token, new IPAddress([127, 9, 0, (byte)(1 + (i % 250))])));
        }

        var others = await edge.SendAsync("GET /gateway/{actor}/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", Token);
        Assert.StartsWith("HTTP/1.1 200 ", Encoding.Latin1.GetString(others), StringComparison.Ordinal);
        Assert.InRange(edge.Process.ResidentBytes - before, long.MinValue, Count * 32L * 1024);

        // Each is closed by Guard, without an answer to what was never asked.
        foreach (var client in clients)
        {
            Assert.Empty(await EdgeGuard.ReadToEndAsync(client, Token));
            client.Dispose();
        }
    }

    [Fact]
    public async Task Accept_AnyConnection_ProbesClientsThatFellSilent()
    {
        await using var edge = await EdgeGuard.StartAsync([("Guard:Limits:ProbeIdleAfter", "00:00:42")], Token);
        await using var client = await edge.ConnectAsync(Token);

        // The kernel's own account of Guard's end of the connection: timer 02 is keep-alive, 42 s at most.
        var local = ((IPEndPoint)client.Socket.LocalEndPoint!).Port;
        var line = (await File.ReadAllLinesAsync("/proc/net/tcp", Token)).Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Single(f => f.Length > 5 && f[1].EndsWith($":{edge.Process.Gateway.Port:X4}", StringComparison.Ordinal) && f[2].EndsWith($":{local:X4}", StringComparison.Ordinal));
        Assert.StartsWith("02:", line[5], StringComparison.Ordinal);
        Assert.InRange(Convert.ToInt32(line[5][3..], 16), 1, 4200);
    }
}
