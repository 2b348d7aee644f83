using System.Net;
using Guard.Core.Options;
using Guard.Core.Transport.Connections;

namespace Guard.Core.Tests.Transport.Connections;

public sealed class EndpointPolicyTests
{
    [Theory]
    [InlineData("http://runner-1:8080", "http://runner-1:8080")]
    [InlineData("http://runner-1:8080/", "http://runner-1:8080")]
    [InlineData("HTTPS://Runner.Example.COM:443/base/path//", "https://runner.example.com/base/path")]
    [InlineData("http://10.0.0.5", "http://10.0.0.5")]
    [InlineData("http://127.0.0.1:9000", "http://127.0.0.1:9000")]
    [InlineData("http://[::1]:9000/x", "http://[::1]:9000/x")]
    [InlineData("http://2130706433:9000", "http://127.0.0.1:9000")]
    [InlineData("http://0x7f.0.0.1:9000", "http://127.0.0.1:9000")]
    [InlineData("http://0177.0.0.1:9000", "http://127.0.0.1:9000")]
    [InlineData("http://xn--mnchen-3ya.example", "http://xn--mnchen-3ya.example")]
    [InlineData("http://h/a%2Fb", "http://h/a%2Fb")]
    public void CheckUrl_Usable_Normalised(string url, string expected)
    {
        Assert.Null(Policy().CheckUrl(url, out var normalised));
        Assert.Equal(expected, normalised);
    }

    [Theory]
    [InlineData(null, "absolute")]
    [InlineData("", "absolute")]
    [InlineData("runner:8080", "absolute")]
    [InlineData("/path", "absolute")]
    [InlineData("//host/path", "absolute")]
    [InlineData("ftp://host", "absolute")]
    [InlineData("ws://host", "absolute")]
    [InlineData("file:///etc/passwd", "absolute")]
    [InlineData("http://", "absolute")]
    [InlineData("http://user@host", "user information")]
    [InlineData("http://user:pass@host/", "user information")]
    [InlineData("http://@host/", "user information")]
    [InlineData("http://host/?", "query")]
    [InlineData("http://host/?a=b", "query")]
    [InlineData("http://host#", "query")]
    [InlineData("http://host/a#b", "query")]
    [InlineData("http://host:0", "port")]
    [InlineData("http://host:65536", "absolute")]
    [InlineData("http://host:-1", "absolute")]
    [InlineData("http://host\\evil", "backslashes")]
    [InlineData("http://ho st", "printable")]
    [InlineData("http://host/\r\nx: y", "printable")]
    [InlineData("http://h\u00f6st", "printable")]
    [InlineData("http://\uff11\uff12\uff17.0.0.1", "printable")]
    [InlineData("http://169.254.169.254/latest", "not allowed")]
    [InlineData("http://2852039166/", "not allowed")]
    [InlineData("http://0xa9fea9fe/", "not allowed")]
    [InlineData("http://0251.0376.0251.0376/", "not allowed")]
    [InlineData("http://[::ffff:169.254.169.254]/", "not allowed")]
    [InlineData("http://[::ffff:a9fe:a9fe]/", "not allowed")]
    [InlineData("http://[64:ff9b::a9fe:a9fe]/", "not allowed")]
    [InlineData("http://[::169.254.169.254]/", "not allowed")]
    [InlineData("http://0.0.0.0:80/", "not allowed")]
    [InlineData("http://0/", "not allowed")]
    [InlineData("http://[::]:80/", "not allowed")]
    [InlineData("http://[fe80::1]:80/", "not allowed")]
    [InlineData("http://[fd00:ec2::254]/", "not allowed")]
    [InlineData("http://100.100.100.200/", "not allowed")]
    [InlineData("http://168.63.129.16/", "not allowed")]
    public void CheckUrl_Unusable_SaysWhy(string? url, string reason)
    {
        var problem = Policy().CheckUrl(url, out var normalised);

        Assert.Contains(reason, problem, StringComparison.Ordinal);
        Assert.Equal("", normalised);
    }

    [Fact]
    public void CheckUrl_TooLong_Refused()
        => Assert.NotNull(Policy().CheckUrl("http://h/" + new string('a', EndpointPolicy.MaxUrlLength), out _));

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("::1", true)]
    [InlineData("10.1.2.3", true)]
    [InlineData("192.168.0.1", true)]
    [InlineData("fd00::1", true)]
    [InlineData("8.8.8.8", true)]
    [InlineData("169.253.255.255", true)]
    [InlineData("169.254.0.0", false)]
    [InlineData("169.254.255.255", false)]
    [InlineData("169.255.0.0", true)]
    [InlineData("febf::1", false)]
    [InlineData("fec0::1", true)]
    [InlineData("fe80::1%1", false)]
    [InlineData("::ffff:0.0.0.0", false)]
    [InlineData("::ffff:127.0.0.1", true)]
    [InlineData("fd20:ce::254", false)]
    [InlineData("192.0.0.192", false)]
    public void IsAllowed_NoList_AllButReserved(string address, bool allowed)
        => Assert.Equal(allowed, Policy().IsAllowed("host", IPAddress.Parse(address), 80));

    [Theory]
    [InlineData("any", "10.1.2.3", true)]
    [InlineData("any", "::ffff:10.1.2.3", true)]
    [InlineData("any", "11.1.2.3", false)]
    [InlineData("any", "fd12::1", true)]
    [InlineData("a.example.com", "11.1.2.3", true)]
    [InlineData("a.b.example.com", "11.1.2.3", true)]
    [InlineData("A.EXAMPLE.COM.", "11.1.2.3", true)]
    [InlineData("example.com", "11.1.2.3", false)]
    [InlineData("aexample.com", "11.1.2.3", false)]
    [InlineData("a.example.com.evil", "11.1.2.3", false)]
    [InlineData("runner-7", "11.1.2.3", true)]
    [InlineData("runner-7.internal", "11.1.2.3", false)]
    [InlineData("runner", "11.1.2.3", false)]
    [InlineData("a.example.com", "169.254.169.254", false)]
    public void IsAllowed_List_AddressInCidrOrHostInPattern(string host, string address, bool allowed)
        => Assert.Equal(allowed, Policy("10.0.0.0/8", "fd00::/8", "*.example.com", "runner-*").IsAllowed(host, IPAddress.Parse(address), 80));

    [Fact]
    public void IsAllowed_ReservedAddressListed_Allowed()
        => Assert.True(Policy("169.254.0.0/16").IsAllowed("x", IPAddress.Parse("169.254.1.1"), 80));

    [Fact]
    public void IsAllowed_ListReloaded_NewListCounts()
    {
        var live = new LiveOptions(new GuardOptions());
        var policy = new EndpointPolicy(live);
        Assert.True(policy.IsAllowed("x", IPAddress.Loopback, 80));

        live.Publish(new GuardOptions { Runners = { AllowedEndpoints = ["10.0.0.0/8"] } });

        Assert.False(policy.IsAllowed("x", IPAddress.Loopback, 80));
        Assert.NotNull(policy.CheckUrl("http://127.0.0.1", out _));
        Assert.Null(policy.CheckUrl("http://name", out _)); // judged when it is resolved
    }

    [Fact]
    public void CheckUrl_OnlyPatternsListed_OtherNamesRefused()
    {
        var policy = Policy("*.example.com");

        Assert.Null(policy.CheckUrl("http://a.example.com", out _));
        Assert.NotNull(policy.CheckUrl("http://other", out _));
        Assert.NotNull(policy.CheckUrl("http://10.0.0.1", out _));
    }

    [Theory]
    [InlineData("http://127.0.0.1:6421")]
    [InlineData("http://[::ffff:127.0.0.1]:6421")]
    [InlineData("http://localhost:6421")]
    [InlineData("http://LOCALHOST.:6421")]
    [InlineData("http://a.localhost:6420")]
    [InlineData("http://127.0.0.1:6420")]
    [InlineData("http://127.8.9.10:6420")]
    [InlineData("http://[::1]:6420")]
    public void CheckUrl_GuardItself_Refused(string url)
    {
        var policy = Policy("0.0.0.0/0", "::/0", "*");
        policy.SetOwnListeners([new IPEndPoint(IPAddress.Any, 6420), new IPEndPoint(IPAddress.Loopback, 6421)]);

        Assert.NotNull(policy.CheckUrl(url, out _));
    }

    [Theory]
    [InlineData("127.0.0.1", 6420, false)]
    [InlineData("0.0.0.0", 6420, false)]
    [InlineData("0.0.0.0", 6421, false)]
    [InlineData("127.0.0.1", 6421, false)]
    [InlineData("127.0.0.2", 6421, true)]
    [InlineData("127.0.0.1", 6422, true)]
    [InlineData("192.0.2.1", 6420, true)]
    public void IsAllowed_OwnListeners_NeverWhateverIsListed(string address, int port, bool allowed)
    {
        var policy = Policy("0.0.0.0/0");
        policy.SetOwnListeners([new IPEndPoint(IPAddress.IPv6Any, 6420), new IPEndPoint(IPAddress.Loopback, 6421)]);

        Assert.Equal(allowed, policy.IsAllowed("x", IPAddress.Parse(address), port));
    }

    [Theory]
    [InlineData("10.0.0.0/8", true)]
    [InlineData("10.0.0.1", true)]
    [InlineData("fd00::/8", true)]
    [InlineData("::1", true)]
    [InlineData("::ffff:10.0.0.0/104", true)]
    [InlineData("*", true)]
    [InlineData("*.example.com", true)]
    [InlineData("runner-*", true)]
    [InlineData("my_host", true)]
    [InlineData("", false)]
    [InlineData(null, false)]
    [InlineData("10.1.0.0/8", true)]
    [InlineData("10.0.0.0/33", false)]
    [InlineData("10.0.0", false)]
    [InlineData("300.1.1.1", false)]
    [InlineData("1", false)]
    [InlineData("host:80", false)]
    [InlineData("http://host", false)]
    [InlineData("a..b", false)]
    [InlineData("-a", false)]
    [InlineData("a b", false)]
    public void TryParseEntry_Text_CidrOrPattern(string? text, bool valid)
        => Assert.Equal(valid, EndpointPolicy.TryParseEntry(text, out _));

    [Fact]
    public void TryParseEntry_MappedNetwork_MatchesPlainAddresses()
    {
        Assert.True(EndpointPolicy.TryParseEntry("::ffff:10.0.0.0/104", out var entry));
        Assert.True(entry.Contains(IPAddress.Parse("10.9.9.9")));
        Assert.False(entry.Contains(IPAddress.Parse("11.9.9.9")));
    }

    private static EndpointPolicy Policy(params string[] allowed)
        => new(new LiveOptions(new GuardOptions { Runners = { AllowedEndpoints = allowed } }));
}
