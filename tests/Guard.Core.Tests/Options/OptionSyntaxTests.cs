using Guard.Core.Options;

namespace Guard.Core.Tests.Options;

public sealed class OptionSyntaxTests
{
    [Theory]
    [InlineData("*", true)]
    [InlineData("null", true)]
    [InlineData("https://example.com", true)]
    [InlineData("http://localhost:3000", true)]
    [InlineData("http://[::1]:3000", true)]
    [InlineData("http://[::1]", true)]
    [InlineData("chrome-extension://abcdefgh", true)]
    [InlineData("https://example.com:443", false)]
    [InlineData("http://example.com:80", false)]
    [InlineData("https://example.com:0", false)]
    [InlineData("https://example.com:065", false)]
    [InlineData("https://example.com:65536", false)]
    [InlineData("https://example.com:", false)]
    [InlineData("https://Example.com", false)]
    [InlineData("https://example.com/", false)]
    [InlineData("https://*.example.com", false)]
    [InlineData("https://user@example.com", false)]
    [InlineData("https://", false)]
    [InlineData("://example.com", false)]
    [InlineData("example.com", false)]
    [InlineData("http://[zz]", false)]
    public void IsOrigin_Text_IsAsBrowsersWriteIt(string text, bool expected) => Assert.Equal(expected, OptionSyntax.IsOrigin(text));

    [Theory]
    [InlineData("10.0.0.0/8", true)]
    [InlineData("10.0.0.1", true)]
    [InlineData("::1", true)]
    [InlineData("fd00::/8", true)]
    [InlineData("0.0.0.0/0", true)]
    [InlineData("10.0.0.1/8", false)]
    [InlineData("10.1", false)]
    [InlineData("1", false)]
    [InlineData("10.0.0.0/", false)]
    [InlineData("10.0.0.0/-1", false)]
    [InlineData("fe80::1%eth0", false)]
    [InlineData("[::1]", false)]
    [InlineData("example.com", false)]
    [InlineData("/8", false)]
    public void IsNetwork_Text_IsAnAddressOrANetworkWithoutHostBits(string text, bool expected) => Assert.Equal(expected, OptionSyntax.IsNetwork(text));

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("a.b-c.example", true)]
    [InlineData("Actors.Example.com", true)]
    [InlineData("example.com.", false)]
    [InlineData("-a.example", false)]
    [InlineData("a..example", false)]
    [InlineData("10.0.0.1", false)]
    [InlineData("example.123", false)]
    [InlineData("exa mple", false)]
    public void IsDomain_Text_IsADnsName(string text, bool expected) => Assert.Equal(expected, OptionSyntax.IsDomain(text));

    [Fact]
    public void IsDomain_NameThatLeavesNoRoomForAnActorId_IsRefused()
    {
        var label = new string('a', 54);

        Assert.True(OptionSyntax.IsDomain($"{label}.{label}.{label}.{label}aaa"));
        Assert.False(OptionSyntax.IsDomain($"{label}.{label}.{label}.{label}aaaa"));
    }

    [Theory]
    [InlineData("http://10.0.0.1:6421", true)]
    [InlineData("https://guard.example.com/control", true)]
    [InlineData("ws://example.com", false)]
    [InlineData("http://", false)]
    [InlineData("/control", false)]
    [InlineData("http://a@example.com", false)]
    [InlineData("http://example.com#a", false)]
    [InlineData("http://example.com?", false)]
    public void IsBaseUrl_Text_CanBeCalled(string text, bool expected) => Assert.Equal(expected, OptionSyntax.IsBaseUrl(text));

    [Theory]
    [InlineData("a", true)]
    [InlineData("a=b,c!~", true)]
    [InlineData("a b", false)]
    [InlineData("a\tb", false)]
    [InlineData("é", false)]
    public void IsToken_Text_CanStandInAHeader(string text, bool expected) => Assert.Equal(expected, OptionSyntax.IsToken(text));
}
