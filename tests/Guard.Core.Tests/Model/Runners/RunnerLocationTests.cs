using Guard.Model.Runners;

namespace Guard.Core.Tests.Model.Runners;

public sealed class RunnerLocationTests
{
    private static readonly string?[] Keys = [null, "", "k", "a b", " lead", "trail ", "h2c", "http http1 http://x", "ü/\u2603", "key=1%20"];
    private static readonly string[] Urls =
        ["http://127.0.0.1:9001", "https://runner.example", "http://[::1]:80/base/path", "http://h2c", "https://a.example/implicit", "http://x/%20?"];

    [Theory]
    [InlineData("http http1 http://127.0.0.1:9001", "http://127.0.0.1:9001", RunnerProtocol.Http1, null, false)]
    [InlineData("http h2c http://r/base", "http://r/base", RunnerProtocol.H2c, null, false)]
    [InlineData("http http1 https://fn.example instance 7", "https://fn.example", RunnerProtocol.Http1, "instance 7", false)]
    [InlineData("implicit http1 http://127.0.0.1:3000", "http://127.0.0.1:3000", RunnerProtocol.Http1, null, true)]
    internal void ToString_Kinds_TheStoredForm(string text, string url, RunnerProtocol protocol, string? key, bool isImplicit)
    {
        var at = new RunnerLocation.Http(url, protocol, key);
        RunnerLocation location = isImplicit ? new RunnerLocation.Implicit(at) : at;

        Assert.Equal(text, location.ToString());
        Assert.Equal(location, RunnerLocation.Parse(text));
        Assert.Equal((url, protocol), (location.Endpoint, location.Protocol));
    }

    [Fact]
    public void Parse_WhatToStringWrote_TheSameLocationAndNoOtherHasThatText()
    {
        var all = (from url in Urls
                   from protocol in Enum.GetValues<RunnerProtocol>()
                   from key in Keys
                   let at = new RunnerLocation.Http(url, protocol, key)
                   from location in new RunnerLocation[] { at, new RunnerLocation.Implicit(at) }
                   select location).ToArray();

        Assert.All(all, location => Assert.Equal(location, RunnerLocation.Parse(location.ToString())));
        Assert.Equal(all.Distinct().Count(), all.Select(location => location.ToString()).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Parse_RandomLocations_RoundTrip()
    {
        var random = new Random(7);
        for (var i = 0; i < 10_000; i++)
        {
            // Everything a URL may be made of, and everything a key may be.
            var url = "http://" + string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => (char)random.Next('!', '~' + 1)));
            var key = random.Next(3) == 0 ? null : string.Concat(Enumerable.Range(0, random.Next(20)).Select(_ => (char)random.Next(' ', 0x250)));
            var at = new RunnerLocation.Http(url, (RunnerProtocol)random.Next(2), key);
            RunnerLocation location = random.Next(2) == 0 ? at : new RunnerLocation.Implicit(at);

            Assert.Equal(location, RunnerLocation.Parse(location.ToString()));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("http")]
    [InlineData("http http1")]
    [InlineData("http http1 ")]
    [InlineData("http http3 http://x")]
    [InlineData("HTTP http1 http://x")]
    [InlineData("tunnel guard-1 key-1 7")]
    [InlineData("http://127.0.0.1:9001")]
    public void Parse_NoLocationOrOneOfALaterBuild_Throws(string text) => Assert.Throws<FormatException>(() => RunnerLocation.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("http://a b")]
    public void Http_UrlThatWouldNotRoundTrip_Throws(string url)
        => Assert.Throws<FormatException>(() => new RunnerLocation.Http(url, RunnerProtocol.Http1));
}
