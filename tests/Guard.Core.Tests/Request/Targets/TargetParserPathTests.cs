using Guard.Core.Diagnostics;
using Guard.Core.Request.Targets;

namespace Guard.Core.Tests.Request.Targets;

/// <summary>The direct form, and what holds for every target. <c>{A}</c> stands for an actor id.</summary>
public sealed class TargetParserPathTests
{
    private static ParsedTarget Parse(string rawTarget)
        => ParsedTarget.Of(rawTarget.Replace("{A}", ParsedTarget.A.ToString(), StringComparison.Ordinal));

    [Theory]
    [InlineData("/gateway/{A}", "/")]
    [InlineData("/gateway/{A}/", "/")]
    [InlineData("/gateway/{A}//", "//")]
    [InlineData("/gateway/{A}//x//y", "//x//y")]
    [InlineData("/gateway/{A}?", "/?")]
    [InlineData("/gateway/{A}?a=/b?c", "/?a=/b?c")]
    [InlineData("/gateway/{A}/x?", "/x?")]
    [InlineData("/gateway/{A}/x?&&a=&=b&", "/x?&&a=&=b&")]
    [InlineData("/gateway/{A}/../%2e%2E/./x", "/../%2e%2E/./x")]
    [InlineData("/gateway/{A}/a%2Fb/%E2%9C%93/c+d?lower=%2f", "/a%2Fb/%E2%9C%93/c+d?lower=%2f")]
    [InlineData("/gateway/{A}/%zz/%/\\\"<>^`{|}%00", "/%zz/%/\\\"<>^`{|}%00")]
    [InlineData("/gateway/{A}/x?y=1&xrvt-a=1", "/x?y=1&xrvt-a=1")]
    [InlineData("/gateway/{A}/x?%72vt-namespace=1", "/x?%72vt-namespace=1")]
    [InlineData("/gateway/{A}/x?r%76t-token=1", "/x?r%76t-token=1")]
    [InlineData("/gateway/{A}/x?RVT-namespace=1", "/x?RVT-namespace=1")]
    [InlineData("/gateway/{A}/rvt-x/y?a=rvt-b", "/rvt-x/y?a=rvt-b")]
    [InlineData("/gateway/{A}/gateway/{A}/x", null)]
    [InlineData("http://any.example/gateway/{A}/x?y", "/x?y")]
    [InlineData("HTTPS://any.example:8443/gateway/{A}", "/")]
    [InlineData("http://any.example/gateway/{A}/http://x/", "/http://x/")]
    public void Parse_DirectForm_ForwardsTheRestUnchanged(string rawTarget, string? forwarded)
    {
        var parsed = Parse(rawTarget);
        Assert.Null(parsed.Error);
        Assert.Equal(RouteForm.Direct, parsed.Form);
        Assert.Equal(ParsedTarget.A, parsed.Id);
        Assert.Equal(forwarded ?? $"/gateway/{ParsedTarget.A}/x", parsed.Forwarded);
        Assert.Empty(parsed.Token);
        Assert.False(parsed.SkipReadyWait);
    }

    [Fact]
    public void Parse_IdInOtherSpellings_IsTheSameActor()
    {
        var id = ParsedTarget.A.ToString();
        var encoded = string.Concat(id.Select(c => $"%{(int)c:x2}"));
        var upper = string.Concat(id.ToUpperInvariant().Select(c => $"%{(int)c:X2}"));
        foreach (var spelling in new[] { id.ToUpperInvariant(), encoded, upper, $"%{(int)id[0]:X2}{id[1..]}" })
        {
            var parsed = ParsedTarget.Of($"/gateway/{spelling}/x");
            Assert.Equal(ParsedTarget.A, parsed.Id);
            Assert.Equal("/x", parsed.Forwarded);
        }
    }

    [Theory]
    [InlineData("tok", "tok")]
    [InlineData("tok%40en", "tok@en")]
    [InlineData("a@b", "a@b")]
    [InlineData("a+b", "a+b")]
    [InlineData("a%2Fb", "a/b")]
    [InlineData("%E2%9C%93", "✓")]
    [InlineData("..", "..")]
    public void Parse_TokenInPath_IsDecodedAndCut(string raw, string token)
    {
        var parsed = Parse($"/gateway/{{A}}@{raw}/api?foo=bar");
        Assert.Null(parsed.Error);
        Assert.Equal(token, parsed.Token);
        Assert.Equal("/api?foo=bar", parsed.Forwarded);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/nope/path")]
    [InlineData("/gateway")]
    [InlineData("/gateway/")]
    [InlineData("/gateway?x=1")]
    [InlineData("/gatewayx/{A}")]
    [InlineData("/GATEWAY/{A}")]
    [InlineData("/%67ateway/{A}")]
    [InlineData("/gateway%2F{A}")]
    [InlineData("//gateway/{A}/x")]
    [InlineData("/gateway//{A}/x")]
    [InlineData("/gateway///{A}")]
    [InlineData("/x/gateway/{A}")]
    [InlineData("/gateway/{A}@")]
    [InlineData("/gateway/{A}@/x")]
    [InlineData("/gateway/@token/x")]
    [InlineData("/gateway/@")]
    [InlineData("/request/hello")]
    [InlineData("/metadata")]
    [InlineData("*")]
    [InlineData("")]
    [InlineData("host.example:443")]
    [InlineData("gateway/{A}")]
    [InlineData("http://any.example")]
    [InlineData("1http://any.example/gateway/{A}")]
    [InlineData("/gateway/{A}/.guard/actors")]
    [InlineData("/gateway/{A}/a/%252e%252e/%2eGUARD")]
    [InlineData("http://any.example/gateway/{A}/.guard")]
    public void Parse_NoActorNamed_IsNoRoute(string rawTarget)
    {
        var parsed = Parse(rawTarget);
        Assert.Equal("guard.no_route", parsed.Code);
        Assert.Equal(404, parsed.Error!.Status);
        Assert.Equal(RouteForm.None, parsed.Form);
    }

    [Fact]
    public void Parse_NoRoute_TellsHostAndPathWithoutQuery()
    {
        var parsed = ParsedTarget.Of(new TargetRequest { RawTarget = "/nope?rvt-token=secret", Host = "h.example:1" });
        Assert.Equal(("h.example:1", "/nope"), (parsed.Error!.Metadata!.Host, parsed.Error.Metadata.Path));
    }

    [Theory]
    [InlineData("/gateway/not-an-id/request/hello")]
    [InlineData("/gateway/{A}x")]
    [InlineData("/gateway/x{A}")]
    [InlineData("/gateway/{A};v=1/x")]
    [InlineData("/gateway/{A}%40token/x")]
    [InlineData("/gateway/{A}%2Fx")]
    [InlineData("/gateway/%")]
    [InlineData("/gateway/%zz")]
    [InlineData("/gateway/%ff")]
    [InlineData("/gateway/%252e%252e/x")]
    [InlineData("/gateway/+")]
    [InlineData("/gateway/zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz")]
    [InlineData("/gateway/000000000000000000000000000000")]
    public void Parse_SegmentIsNoId_IsInvalidActorId(string rawTarget)
    {
        var parsed = Parse(rawTarget);
        Assert.Equal("guard.invalid_actor_id", parsed.Code);
        Assert.Contains("30 base36 digits", parsed.Error!.Metadata!.Detail, StringComparison.Ordinal);
    }

    [Theory]
    // Dot segments before the actor's own part.
    [InlineData("/gateway/../gateway/{A}")]
    [InlineData("/gateway/./{A}")]
    [InlineData("/gateway/.")]
    [InlineData("/gateway/..")]
    [InlineData("/gateway/%2e/{A}")]
    [InlineData("/gateway/%2e%2E/{A}")]
    [InlineData("/gateway/.%2e/{A}")]
    [InlineData("/./gateway/{A}")]
    [InlineData("/x/../gateway/{A}")]
    [InlineData("/x/%2E%2e/gateway/{A}")]
    [InlineData("/../gateway/{A}")]
    [InlineData("/gateway/..?rvt-namespace=default&rvt-method=get")]
    // Backslashes and control bytes there.
    [InlineData("/gateway\\{A}")]
    [InlineData("\\gateway/{A}", "guard.no_route")]
    [InlineData("/x\\gateway/{A}")]
    [InlineData("/gateway/\\{A}")]
    [InlineData("/gateway/{A}\\x")]
    [InlineData("/gateway/%5c{A}")]
    [InlineData("/gateway/{A}%5C/x")]
    [InlineData("/gateway%5c{A}")]
    [InlineData("/gateway/%00{A}")]
    [InlineData("/gateway/{A}%0d%0a/x")]
    [InlineData("/gateway/{A}%7f")]
    [InlineData("/gateway/{A}@tok%0aen/x")]
    [InlineData("/gateway/{A}@tok%5cen/x")]
    [InlineData("/gateway%00/{A}")]
    [InlineData("/gateway/na%1fme?rvt-namespace=default&rvt-method=get")]
    // Tokens that cannot be decoded.
    [InlineData("/gateway/{A}@%zz/x")]
    [InlineData("/gateway/{A}@%ff/x")]
    // Anywhere in the target.
    [InlineData("/gateway/{A}/x#frag")]
    [InlineData("/gateway/{A}/x?y#")]
    [InlineData("/gateway/{A}#")]
    [InlineData("#")]
    [InlineData("/gateway/{A}/a b")]
    [InlineData("/gateway/{A}/a\tb")]
    [InlineData("/gateway/{A}/x?a\0b")]
    [InlineData("/gateway/{A}/x?a\u007Fb")]
    [InlineData("/gateway/{A}/é")]
    [InlineData("/gateway/{A}/x?漢")]
    [InlineData("/nope/\r\n")]
    [InlineData("http:///gateway/{A}")]
    [InlineData("http://")]
    [InlineData("http://a\\b/gateway/{A}")]
    public void Parse_WhatCouldBeReadInTwoWays_IsInvalidRequest(string rawTarget, string code = "guard.invalid_request")
    {
        var parsed = Parse(rawTarget);
        Assert.Equal(code, parsed.Code);
        Assert.True(parsed.Code != "guard.invalid_request" || parsed.Error!.Metadata!.Detail!.Length > 0);
    }

    [Fact]
    public void Parse_EveryCharacter_IsForwardedOrRefused()
    {
        for (var c = '\0'; c < 0x200; c++)
        {
            var parsed = ParsedTarget.Of($"/gateway/{ParsedTarget.A}/x{c}y");
            var forwarded = c is >= '!' and <= '~' and not '#';
            Assert.Equal(forwarded ? $"/x{c}y" : null, parsed.Forwarded);
            Assert.Equal(forwarded ? null : "guard.invalid_request", parsed.Code);
        }
    }

    [Fact]
    public void Parse_LongTokens_AreBounded()
    {
        Assert.Equal(2048, Parse("/gateway/{A}@" + new string('t', 2048)).Token.Length);
        Assert.Equal(2048, Parse("/gateway/{A}@%74" + new string('t', 2047)).Token.Length);
        Assert.Equal("guard.invalid_request", Parse("/gateway/{A}@" + new string('t', 2049)).Code);
        Assert.Equal("guard.invalid_request", Parse("/gateway/{A}@%74" + new string('t', 2048)).Code);
    }

    [Fact]
    public void ForwardedTarget_NothingCut_IsTheRawStringItself()
    {
        var raw = new string("/request/x?y=1");
        var parsed = ParsedTarget.Of(new TargetRequest { RawTarget = raw, Target = "actor", Actor = ParsedTarget.A.ToString() });
        Assert.Same(raw, parsed.Forwarded);
    }

    [Fact]
    public void Parse_ScratchTooSmall_Throws()
        => Assert.Throws<ArgumentException>(
            () => new TargetParser(null).Parse(new TargetRequest { RawTarget = "/" }, new char[TargetParser.ScratchLength - 1], out _));
}
