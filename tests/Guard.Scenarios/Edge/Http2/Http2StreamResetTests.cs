using System.Globalization;
using Guard.Hosting;

namespace Guard.Scenarios.Edge.Http2;

/// <summary>
/// <c>Limits:MaxStreamResets</c> on the real binary. Few streams are open at a time and each reset is taken note of before the next
/// streams are opened: the server's own guard against floods, which counts streams that are open at once, sees nothing wrong.
/// </summary>
public sealed class Http2StreamResetTests
{
    private const int Most = 50;

    private const int Batch = 10;

    /// <summary>A reset counts when what was done for its request has ended, which may be some batches later.</summary>
    private const int Limit = 10 * Most;

    private const int Many = 10_000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public async Task Reset_OneAfterTheOther_GoAwayAndClosedAtTheLimit(bool isReady, bool tls)
    {
        await using var edge = await StartAsync(Most);
        await using var connection = await edge.ConnectAsync(tls, Token);

        var (resets, isToldToLeave) = await ResetAsync(edge, connection, isReady, tls, Many);

        Assert.InRange(resets, Most + 1, Limit);
        Assert.True(isToldToLeave);
        Assert.InRange(edge.Guard.Runner.Calls.Count, 0, 1 + resets);
        await using var other = await edge.ConnectAsync(tls, Token);
        await other.WriteAsync(H2Connection.Headers(1, true, Get(edge, "/gateway/{actor}/other", tls)), Token);
        Assert.Equal(200, await other.AnswerAsync(1, Token));
    }

    [Fact]
    public async Task Reset_GoesOnBesideAnOpenStream_CutOff()
    {
        await using var edge = await StartAsync(Most);
        await using var connection = await edge.ConnectAsync(tls: false, Token);

        // As long as this one is not answered, the connection would not end by itself.
        await connection.WriteAsync(H2Connection.Headers(1, true, edge.Get("/gateway/{actor}/never")), Token);
        var (resets, isToldToLeave) = await ResetAsync(edge, connection, isReady: true, tls: false, Many, first: 3);

        Assert.InRange(resets, Most + StreamResets.Grace, Limit);
        Assert.True(isToldToLeave);
    }

    [Fact]
    public async Task Reset_FewerThanTheLimit_ConnectionGoesOn()
    {
        await using var edge = await StartAsync(10 * Most);
        await using var connection = await edge.ConnectAsync(tls: false, Token);

        Assert.Equal((5 * Most, false), await ResetAsync(edge, connection, isReady: true, tls: false, 5 * Most));

        await connection.WriteAsync(H2Connection.Headers(10_001, true, edge.Get("/gateway/{actor}/other")), Token);
        Assert.Equal(200, await connection.AnswerAsync(10_001, Token));
    }

    private static async Task<Http2Edge> StartAsync(int most)
    {
        var edge = await Http2Edge.StartAsync(
            Token, ("Guard:Limits:MaxStreamResets", most.ToString(CultureInfo.InvariantCulture)));
        edge.Guard.Runner.OnRequest = static async (request, number, stream, token) =>
        {
            if (request.Target != "/never")
            {
                return await RecordingRunner.ReplyAsync(request, number, stream, token);
            }

            // Until Guard gives it up.
            await stream.CopyToAsync(Stream.Null, token);
            return false;
        };
        edge.Guard.Runner.OnCall = static (_, token) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
        return edge;
    }

    /// <summary>Opens and resets streams, each with a ping behind whose answer is awaited.</summary>
    /// <returns>How many until the connection ended, or <paramref name="most"/>; whether GOAWAY came.</returns>
    private static async Task<(int Resets, bool IsToldToLeave)> ResetAsync(
        Http2Edge edge, H2Connection connection, bool isReady, bool tls, int most, int first = 1)
    {
        var isToldToLeave = false;
        var ping = H2Connection.Frame(H2Frame.Ping, 0, 0, new byte[8]);
        for (var sent = 0; sent < most; sent += Batch)
        {
            try
            {
                for (var i = sent; i < sent + Batch; i++)
                {
                    await connection.WriteAsync(H2Connection.Headers((2 * i) + first, true, Get(edge, PathOf(i), tls)), Token);
                }

                await AnsweredAsync();
                for (var i = sent; i < sent + Batch; i++)
                {
                    await connection.WriteAsync(H2Connection.Reset((2 * i) + first), Token);
                }

                await AnsweredAsync();
            }
            catch (IOException)
            {
                // What was sent before the end can still be read.
                return (sent + Batch, isToldToLeave || await connection.ReadUntilAsync(f => f.Type == H2Frame.GoAway, Token) is not null);
            }
        }

        return (most, isToldToLeave);

        // Each an actor of its own where that is not ready, so that each could be a wake.
        string PathOf(int i) => isReady
            ? "/gateway/{actor}/never"
            : string.Create(CultureInfo.InvariantCulture, $"/gateway/counter/x?rvt-namespace=default&rvt-method=getOrCreate&rvt-pool=default&rvt-key=r{i}");

        async Task AnsweredAsync()
        {
            await connection.WriteAsync(ping, Token);
            while (await connection.ReadUntilAsync(f => f is { Type: H2Frame.GoAway } or { Type: H2Frame.Ping, Flags: 1 }, Token) is { } frame)
            {
                if (frame.Type == H2Frame.Ping)
                {
                    return;
                }

                isToldToLeave = true;
            }

            throw new IOException("closed");
        }
    }

    private static (string Name, string Value)[] Get(Http2Edge edge, string path, bool tls)
        => [.. edge.Get(path).Select(f => f.Name == ":scheme" && tls ? (f.Name, "https") : f)];
}
