using System.Net;
using Guard.Core.Options;
using Guard.Core.Transport.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Guard.Core.Tests.Transport.Http;

public sealed class TrustedProxiesTests
{
    [Theory]

    // Nobody is believed about himself.
    [InlineData("198.51.100.7", "1.2.3.4", "198.51.100.7")]
    [InlineData("::ffff:198.51.100.7", "1.2.3.4", "198.51.100.7")]

    // From the right, as long as each address reached is a trusted proxy.
    [InlineData("10.0.0.1", "1.2.3.4", "1.2.3.4")]
    [InlineData("10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4")]
    [InlineData("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4")]
    [InlineData("10.0.0.1", "6.6.6.6|1.2.3.4|10.0.0.2", "1.2.3.4")]
    [InlineData("10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3")]
    [InlineData("::ffff:10.0.0.1", "2001:db8::1", "2001:db8::1")]

    // At most MaxProxyHops, here 3.
    [InlineData("10.0.0.1", "1.2.3.4, 10.0.0.4, 10.0.0.3, 10.0.0.2", "10.0.0.4")]

    // With the port some proxies write.
    [InlineData("10.0.0.1", "1.2.3.4:5678", "1.2.3.4")]
    [InlineData("10.0.0.1", "[2001:db8::1]:443", "2001:db8::1")]
    [InlineData("10.0.0.1", "::ffff:1.2.3.4", "1.2.3.4")]

    // What is no address names nobody: the proxy that wrote it is all that is known.
    [InlineData("10.0.0.1", "", "10.0.0.1")]
    [InlineData("10.0.0.1", "unknown", "10.0.0.1")]
    [InlineData("10.0.0.1", "1.2.3.4, _hidden", "10.0.0.1")]
    [InlineData("10.0.0.1", "1.2.3.4,", "10.0.0.1")]
    [InlineData("10.0.0.1", "1.2.3.4, 010.0.0.2", "10.0.0.1")]
    [InlineData("10.0.0.1", "16909060", "10.0.0.1")]
    [InlineData("10.0.0.1", "fe80::1%eth0", "10.0.0.1")]
    [InlineData("10.0.0.1", null, "10.0.0.1")]
    public void ClientOf_PeerAndList_WhoCanBeKnown(string peer, string? list, string expected)
    {
        var context = new DefaultHttpContext { Connection = { RemoteIpAddress = IPAddress.Parse(peer) } };
        if (list is not null)
        {
            context.Request.Headers["x-forwarded-for"] = new StringValues(list.Split('|'));
        }

        Assert.Equal(expected, Proxies().ClientOf(context)?.ToString());
    }

    [Fact]
    public void ClientOf_NoSocket_Nobody() => Assert.Null(Proxies().ClientOf(new DefaultHttpContext()));

    private static TrustedProxies Proxies()
        => new(new LiveOptions(new GuardOptions { Gateway = new() { TrustedProxies = ["10.0.0.0/8"], MaxProxyHops = 3 } }));
}
