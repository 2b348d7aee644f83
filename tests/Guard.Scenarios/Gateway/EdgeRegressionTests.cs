using System.Net.Sockets;
using System.Text;

namespace Guard.Scenarios.Gateway;

/// <summary>What once got through the edge of the real binary, byte by byte.</summary>
public sealed class EdgeRegressionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("FFFFFFFFF")]
    [InlineData("80000000")]
    [InlineData("zz")]
    public async Task Body_ChunkSizeNoServerCanRead_RefusedNotAnsweredOk(string size)
    {
        var gateway = await GatewayFixture.SharedAsync(Token);

        var reply = await SendAsync(gateway, $"POST /gateway/{gateway.ActorId}/up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\nabc");

        Assert.StartsWith("HTTP/1.1 400", reply, StringComparison.Ordinal);
        Assert.Contains("x-rivet-error: guard.invalid_request", reply, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Host_Empty_Refused()
    {
        var gateway = await GatewayFixture.SharedAsync(Token);

        var reply = await SendAsync(gateway, $"GET /gateway/{gateway.ActorId}/x HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400", reply, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Target_AbsoluteFormOfAnotherHost_LosesSchemeAndAuthority()
    {
        var gateway = await GatewayFixture.SharedAsync(Token);

        var reply = await SendAsync(
            gateway, $"GET http://other.example/gateway/{gateway.ActorId}/abs?x=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200", reply, StringComparison.Ordinal);
        Assert.Contains("/abs?x=1", reply, StringComparison.Ordinal);
    }

    private static async Task<string> SendAsync(GatewayFixture gateway, string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(gateway.Guard.Gateway.Host, gateway.Guard.Gateway.Port, Token);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request), Token);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return await reader.ReadToEndAsync(Token).WaitAsync(TimeSpan.FromMinutes(2), Token);
    }
}
