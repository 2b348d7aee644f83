using System.Text;
using Guard.Scenarios.Edge.Wire;

namespace Guard.Scenarios.Edge;

/// <summary>Preflights cost next to nothing: whatever they name, nothing is looked up, created or woken, and nothing reaches a runner.</summary>
public sealed class PreflightTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/gateway/fresh/x?rvt-namespace=default&rvt-method=getOrCreate&rvt-pool=default&rvt-key=never", "http://app.example")]
    [InlineData("/gateway/fresh/x?rvt-namespace=absent&rvt-method=get&rvt-key=never", "null")]
    [InlineData("/gateway/{sleeping}/x", "http://app.example")]
    [InlineData("/gateway/{actor}/x", "http://app.example")]
    public async Task Send_Preflight_204AndNothingIsLookedUpOrWoken(string path, string origin)
    {
        var edge = await EdgeGuard.SharedAsync(Token);
        var client = ClientAddress.Next();
        var sleeping = await edge.Process.Control.CreateActorAsync("default", Token);

        var reply = await edge.SendAsync(
            $"OPTIONS {path.Replace("{sleeping}", sleeping, StringComparison.Ordinal)} HTTP/1.1\r\nHost: a\r\nOrigin: {origin}\r\n"
            + "Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n",
            Token,
            client);

        Assert.True(StrictHttp1.TryReadReplies(reply, out var replies), Encoding.Latin1.GetString(reply));
        var only = Assert.Single(replies);
        Assert.Equal(204, only.Status);
        Assert.Equal(["*"], only.Values("access-control-allow-origin"));
        Assert.Empty(only.Values("access-control-allow-credentials"));
        Assert.Empty(edge.SeenFrom(client));
        Assert.DoesNotContain(edge.Runner.Calls, c => c.Target.Contains(sleeping, StringComparison.Ordinal));
        Assert.Contains(
            "\"actors\":[]", await edge.Process.Control.Client.GetStringAsync(new Uri("actors?namespace=default&name=fresh", UriKind.Relative), Token), StringComparison.Ordinal);
    }
}
