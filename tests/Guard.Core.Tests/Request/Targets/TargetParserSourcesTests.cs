using Guard.Core.Diagnostics;
using Guard.Core.Request.Targets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Guard.Core.Tests.Request.Targets;

/// <summary>Headers, WebSocket subprotocols and host, and what happens when several sources name an actor.</summary>
public sealed class TargetParserSourcesTests
{
    private static readonly string A = ParsedTarget.A.ToString();
    private static readonly string B = ParsedTarget.B.ToString();
    private static readonly string HostOfA = $"{A}.{ParsedTarget.Domain}";

    private static TargetRequest Header(string rawTarget, StringValues actor, string target = "actor")
        => new() { RawTarget = rawTarget, Target = target, Actor = actor };

    private static TargetRequest Socket(string rawTarget, StringValues offered)
        => new() { RawTarget = rawTarget, IsWebSocket = true, Subprotocols = offered };

    private static TargetRequest Host(string rawTarget, string? host) => new() { RawTarget = rawTarget, Host = host };

    [Theory]
    [InlineData("/request")]
    [InlineData("/request/")]
    [InlineData("/request?x=1")]
    [InlineData("/request/hello?x=1&rvt-namespace=kept&&")]
    [InlineData("/request//a/../%2e%2e/b")]
    public void Parse_Header_ForwardsTheWholeTarget(string rawTarget)
    {
        var parsed = ParsedTarget.Of(Header(rawTarget, A));
        Assert.Null(parsed.Error);
        Assert.Equal((RouteForm.Header, ParsedTarget.A, rawTarget), (parsed.Form, parsed.Id, parsed.Forwarded));
    }

    [Fact]
    public void Parse_AbsoluteForm_LosesSchemeAndAuthorityInEveryForm()
    {
        Assert.Equal("/request/x?y", ParsedTarget.Of(Header("http://h.example/request/x?y", A)).Forwarded);
        Assert.Equal("/", ParsedTarget.Of(Host("http://h.example", HostOfA)).Forwarded);
        Assert.Equal("/?x=1", ParsedTarget.Of(Host("http://h.example?x=1", HostOfA)).Forwarded);
        Assert.Equal("/?a&", ParsedTarget.Of(Host("http://h.example?rvt-token=t&a&", HostOfA)).Forwarded);
    }

    [Theory]
    [InlineData("/hello", "guard.no_route")]
    [InlineData("/requests", "guard.no_route")]
    [InlineData("/Request/x", "guard.no_route")]
    [InlineData("/%72equest/x", "guard.no_route")]
    [InlineData("//request/x", "guard.no_route")]
    [InlineData("/x/../request/x", "guard.invalid_request")]
    [InlineData("/request/../.guard/x", "guard.no_route")]
    [InlineData("/request/x", null)]
    public void Parse_HeaderOnOtherPaths_IsRefused(string rawTarget, string? code)
        => Assert.Equal(code, ParsedTarget.Of(Header(rawTarget, A)).Code);

    [Fact]
    public void Parse_HeaderWithoutTargetActor_IsNoSource()
    {
        Assert.Equal("guard.no_route", ParsedTarget.Of(Header("/request/x", A, "bogus")).Code);
        Assert.Equal("guard.no_route", ParsedTarget.Of(Header("/request/x", A, "Actor")).Code);
        Assert.Equal("guard.no_route", ParsedTarget.Of(new TargetRequest { RawTarget = "/request/x", Actor = A }).Code);
        Assert.Null(ParsedTarget.Of(Header($"/gateway/{A}/x", B, "runner")).Error);
        Assert.Null(ParsedTarget.Of(Header($"/gateway/{A}/x", "not an id", "runner")).Error);
    }

    [Fact]
    public void Parse_HeaderWithoutActor_IsMissingHeader()
    {
        var parsed = ParsedTarget.Of(Header("/request/x", default));
        Assert.Equal("guard.missing_header", parsed.Code);
        Assert.Equal("x-rivet-actor", parsed.Error!.Metadata!.Name);
        Assert.Equal("guard.missing_header", ParsedTarget.Of(Header("/request/x", "")).Code);
        Assert.Equal("guard.no_route", ParsedTarget.Of(Header("/hello", default)).Code);
    }

    [Theory]
    [InlineData("not-an-id")]
    [InlineData("é")]
    [InlineData("%zz")]
    public void Parse_HeaderIsNoId_IsInvalidActorId(string actor)
    {
        var parsed = ParsedTarget.Of(Header("/request/x", actor));
        Assert.Equal("guard.invalid_actor_id", parsed.Code);
        Assert.StartsWith("x-rivet-actor", parsed.Error!.Metadata!.Detail, StringComparison.Ordinal);
        Assert.Equal("guard.invalid_actor_id", ParsedTarget.Of(Header($"/gateway/{A}/x", actor)).Code);
    }

    [Fact]
    public void Parse_HeaderIdInOtherSpellings_IsTheSameActor()
    {
        Assert.Equal(ParsedTarget.A, ParsedTarget.Of(Header("/request", A.ToUpperInvariant())).Id);
        Assert.Equal(ParsedTarget.A, ParsedTarget.Of(Header("/request", $"%{(int)A[0]:x2}{A[1..]}")).Id);
    }

    [Theory]
    [InlineData("x-rivet-target")]
    [InlineData("x-rivet-actor")]
    [InlineData("x-rivet-token")]
    [InlineData("x-rivet-skip-ready-wait")]
    public void Parse_RepeatedHeader_IsInvalidHeader(string name)
    {
        StringValues twice = new(["1", "1"]);
        var request = new TargetRequest
        {
            RawTarget = $"/gateway/{A}/x",
            Target = name == "x-rivet-target" ? twice : default,
            Actor = name == "x-rivet-actor" ? twice : default,
            Token = name == "x-rivet-token" ? twice : default,
            SkipReadyWait = name == "x-rivet-skip-ready-wait" ? twice : default,
        };
        var parsed = ParsedTarget.Of(request);
        Assert.Equal("guard.invalid_header", parsed.Code);
        Assert.Equal(name, parsed.Error!.Metadata!.Name);
        Assert.NotNull(parsed.Error.Metadata.Detail);
    }

    [Theory]
    [InlineData("true", true)]
    [InlineData("1", true)]
    [InlineData("false", false)]
    [InlineData("0", false)]
    [InlineData("maybe", null)]
    [InlineData("True", null)]
    [InlineData("", null)]
    public void Parse_SkipReadyWaitHeader_IsReadOnEveryForm(string value, bool? skip)
    {
        foreach (var rawTarget in new[] { $"/gateway/{A}/x", "/gateway/lobby?rvt-namespace=default&rvt-method=get" })
        {
            var parsed = ParsedTarget.Of(new TargetRequest { RawTarget = rawTarget, SkipReadyWait = value });
            Assert.Equal(skip is null ? "guard.invalid_header" : null, parsed.Code);
            Assert.Equal(skip ?? false, parsed.SkipReadyWait);
        }
    }

    [Fact]
    public void Parse_SkipReadyWaitInQueryAndHeader_QueryDecides()
    {
        var parsed = ParsedTarget.Of(new TargetRequest
        {
            RawTarget = "/gateway/lobby?rvt-namespace=default&rvt-method=get&rvt-skip-ready-wait=false",
            SkipReadyWait = "1",
        });
        Assert.False(parsed.SkipReadyWait);
    }

    [Theory]
    [InlineData("rivet, rivet_target.actor, rivet_actor.{A}", "", false)]
    [InlineData("rivet_actor.{A},rivet_target.actor", "", false)]
    [InlineData("rivet,\trivet_target.actor ,, rivet_actor.{A}, rivet_token.t@%40k, rivet_skip_ready_wait,chat.v1", "t@%40k", true)]
    [InlineData("rivet_target.actor|rivet_actor.{A}, rivet_token.t", "t", false)]
    public void Parse_Subprotocols_NameTheActor(string offered, string token, bool skip)
    {
        var parsed = ParsedTarget.Of(Socket("/any/path?x=1", new(offered.Replace("{A}", A, StringComparison.Ordinal).Split('|'))));
        Assert.Null(parsed.Error);
        Assert.Equal((RouteForm.WebSocket, ParsedTarget.A, "/any/path?x=1"), (parsed.Form, parsed.Id, parsed.Forwarded));
        Assert.Equal((token, skip), (parsed.Token, parsed.SkipReadyWait));
    }

    [Theory]
    [InlineData("rivet, rivet_target.actor", "guard.missing_header")]
    [InlineData("rivet, rivet_target.actor, rivet_actor.", "guard.missing_header")]
    [InlineData("rivet, rivet_target.actor, rivet_actor.x", "guard.invalid_actor_id")]
    [InlineData("rivet, rivet_actor.{A}", "guard.no_route")]
    [InlineData("rivet, rivet_target.runner, rivet_actor.{A}", "guard.no_route")]
    [InlineData("rivet", "guard.no_route")]
    [InlineData("rivet_target.actor, rivet_target.actor, rivet_actor.{A}", "guard.invalid_header")]
    [InlineData("rivet_target.actor, rivet_actor.{A}, rivet_actor.{A}", "guard.invalid_header")]
    [InlineData("rivet_target.actor, rivet_actor.{A}, rivet_token.a, rivet_token.b", "guard.invalid_header")]
    public void Parse_BadSubprotocols_SaySo(string offered, string code)
    {
        var parsed = ParsedTarget.Of(Socket("/x", offered.Replace("{A}", A, StringComparison.Ordinal)));
        Assert.Equal(code, parsed.Code);
        Assert.True(parsed.Error!.Metadata is { Detail: not null } or { Name: not null } or { Path: not null });
    }

    [Fact]
    public void Parse_SubprotocolsOfAnOrdinaryRequest_AreNotLookedAt()
        => Assert.Equal(
            "guard.no_route",
            ParsedTarget.Of(new TargetRequest { RawTarget = "/x", Subprotocols = $"rivet_target.actor, rivet_actor.{A}" }).Code);

    [Theory]
    [InlineData("{A}.actors.example.com")]
    [InlineData("{A}.ACTORS.Example.com:8443")]
    [InlineData("{A}.actors.example.com.")]
    [InlineData("{A}.actors.example.com.:80")]
    public void Parse_Host_ForwardsTheWholeTarget(string host)
    {
        foreach (var raw in new[] { "/", "/a//b/../c?d&&rvt-key=kept", "//x", "/gateway", "//gateway/x" })
        {
            var parsed = ParsedTarget.Of(Host(raw, host.Replace("{A}", A.ToUpperInvariant(), StringComparison.Ordinal)));
            Assert.Equal((RouteForm.Host, ParsedTarget.A, raw), (parsed.Form, parsed.Id, parsed.Forwarded));
        }
    }

    [Theory]
    [InlineData("actors.example.com", "guard.no_route")]
    [InlineData(".actors.example.com", "guard.no_route")]
    [InlineData("{A}actors.example.com", "guard.no_route")]
    [InlineData("{A}.example.com", "guard.no_route")]
    [InlineData("x.{A}.actors.example.com", "guard.no_route")]
    [InlineData("{A}.actors.example.com.evil", "guard.no_route")]
    [InlineData("[::1]:80", "guard.no_route")]
    [InlineData("", "guard.no_route")]
    [InlineData(null, "guard.no_route")]
    [InlineData("www.actors.example.com", "guard.invalid_actor_id")]
    [InlineData("%61.actors.example.com", "guard.invalid_actor_id")]
    public void Parse_OtherHosts_NameNoActor(string? host, string code)
        => Assert.Equal(code, ParsedTarget.Of(Host("/x", host?.Replace("{A}", A, StringComparison.Ordinal))).Code);

    [Theory]
    [InlineData("/.guard/actors/x/start")]
    [InlineData("/x/..%2f.guard")]
    [InlineData("/%252eguard")]
    public void Parse_GuardChannel_IsClosedInEveryForm(string path)
    {
        Assert.Equal("guard.no_route", ParsedTarget.Of(Host(path, HostOfA)).Code);
        Assert.Equal("guard.no_route", ParsedTarget.Of(Socket(path, $"rivet_target.actor, rivet_actor.{A}")).Code);
        Assert.Equal("guard.no_route", ParsedTarget.Of(Header("/request/.." + path, A)).Code);
        Assert.Equal("guard.no_route", ParsedTarget.Of($"/gateway/{A}{path}").Code);
        Assert.Equal("guard.no_route", ParsedTarget.Of($"/gateway/lobby{path}?rvt-namespace=default&rvt-method=get").Code);
    }

    [Fact]
    public void Parse_AsteriskForm_NamesNoActor() => Assert.Equal("guard.no_route", ParsedTarget.Of(Host("*", HostOfA)).Code);

    [Fact]
    public void Parse_WithoutDomain_HostIsNoSource()
    {
        foreach (var domain in new[] { null, "" })
        {
            var error = new TargetParser(domain).Parse(Host("/x", HostOfA), new char[TargetParser.ScratchLength], out _);
            Assert.Equal("guard.no_route", error?.FullCode);
        }
    }

    [Theory]
    [InlineData("/x?rvt-token=t%20k", "/x", "t k")]
    [InlineData("/x?a&&rvt-token=t&b&", "/x?a&&b&", "t")]
    [InlineData("/x?rvt-token&rvt-tokens=1", "/x?rvt-tokens=1", "")]
    [InlineData("/x?rvt-key=kept&rvt-token=", "/x?rvt-key=kept", "")]
    public void Parse_TokenInTheQueryOfOtherForms_IsCut(string rawTarget, string forwarded, string token)
    {
        var parsed = ParsedTarget.Of(Host(rawTarget, HostOfA));
        Assert.Equal((forwarded, token), (parsed.Forwarded, parsed.Token));
    }

    [Theory]
    [InlineData("/x?rvt-token=a&rvt-token=b", "guard.query_duplicate_param")]
    [InlineData("/x?rvt-token=%zz", "guard.query_invalid_percent_encoding")]
    public void Parse_BadTokenInTheQueryOfOtherForms_SaysSo(string rawTarget, string code)
        => Assert.Equal(code, ParsedTarget.Of(Host(rawTarget, HostOfA)).Code);

    [Fact]
    public void Parse_SeveralTokens_TheMostSpecificIsExposed()
    {
        var request = new TargetRequest
        {
            RawTarget = $"/gateway/{A}@path/x",
            Token = "header",
            IsWebSocket = true,
            Subprotocols = "rivet_token.offer",
        };
        Assert.Equal("path", ParsedTarget.Of(request).Token);
        Assert.Equal("header", ParsedTarget.Of(request with { RawTarget = $"/gateway/{A}/x" }).Token);
        Assert.Equal("offer", ParsedTarget.Of(request with { RawTarget = $"/gateway/{A}/x", Token = default }).Token);
        Assert.Equal("query", ParsedTarget.Of(request with { RawTarget = "/gateway/l?rvt-namespace=d&rvt-method=get&rvt-token=query" }).Token);
        Assert.Equal("guard.invalid_header", ParsedTarget.Of(request with { Token = new string('t', 2049) }).Code);
    }

    [Fact]
    public void Parse_SourcesThatAgree_UseTheFirstForm()
    {
        var all = new TargetRequest
        {
            RawTarget = $"/gateway/{A}/x",
            Host = HostOfA,
            Target = "actor",
            Actor = A,
            IsWebSocket = true,
            Subprotocols = $"rivet_target.actor, rivet_actor.{A.ToUpperInvariant()}",
        };
        Assert.Equal((RouteForm.Direct, "/x"), (ParsedTarget.Of(all).Form, ParsedTarget.Of(all).Forwarded));
        Assert.Equal(RouteForm.Header, ParsedTarget.Of(all with { RawTarget = "/request/x" }).Form);
        Assert.Equal(RouteForm.WebSocket, ParsedTarget.Of(all with { RawTarget = "/x" }).Form);
        Assert.Equal(RouteForm.Host, ParsedTarget.Of(all with { RawTarget = "/x", IsWebSocket = false }).Form);
    }

    [Fact]
    public void Parse_SourcesThatDisagree_IsAmbiguous()
    {
        var offerOfB = $"rivet_target.actor, rivet_actor.{B}";
        var hostOfB = $"{B}.{ParsedTarget.Domain}";
        var header = new TargetRequest { RawTarget = "/request/x", Target = "actor", Actor = A };
        AssertAmbiguous(Header($"/gateway/{A}/x", B));
        AssertAmbiguous(Socket($"/gateway/{A}/x", offerOfB));
        AssertAmbiguous(Host($"/gateway/{A}/x", hostOfB));
        AssertAmbiguous(header with { Host = hostOfB });
        AssertAmbiguous(header with { IsWebSocket = true, Subprotocols = offerOfB });
        AssertAmbiguous(header with { RawTarget = "/x", Host = hostOfB });
        AssertAmbiguous(Socket("/x", offerOfB) with { Host = HostOfA });
    }

    [Fact]
    public void Parse_QueryFormWithAnIdFromElsewhere_IsAmbiguous()
    {
        const string Raw = "/gateway/lobby/x?rvt-namespace=default&rvt-method=get";
        AssertAmbiguous(Header(Raw, A));
        AssertAmbiguous(Socket(Raw, $"rivet_target.actor, rivet_actor.{A}"));
        AssertAmbiguous(Host(Raw, HostOfA));
        Assert.Null(ParsedTarget.Of(Host(Raw, "www." + ParsedTarget.Domain)).Error);
        Assert.Null(ParsedTarget.Of(Header(Raw, A, "runner")).Error);
    }

    [Theory]
    [InlineData("/gateway/not-an-id/x", true)]
    [InlineData("/gateway/lobby", true)]
    [InlineData("/request", true)]
    [InlineData("/request/x", true)]
    [InlineData("/x", false)]
    [InlineData("/gateway/", false)]
    [InlineData("/gateway//x", false)]
    [InlineData("/gateway/x#", false)]
    [InlineData("*", false)]
    public void IsGatewayForm_Paths_AreToldWithoutHeaders(string rawTarget, bool expected)
    {
        var parser = new TargetParser(ParsedTarget.Domain);
        Assert.Equal(expected, parser.IsGatewayForm(new TargetRequest { RawTarget = rawTarget }));
        Assert.Equal(!rawTarget.Contains('#'), parser.IsGatewayForm(new TargetRequest { RawTarget = rawTarget, Host = HostOfA }));
    }

    [Fact]
    public void From_Headers_TakesThemAll()
    {
        var headers = new HeaderDictionary
        {
            ["X-Rivet-Target"] = "actor",
            ["X-Rivet-Actor"] = A,
            ["X-Rivet-Token"] = "t",
            ["X-Rivet-Skip-Ready-Wait"] = "1",
            ["Sec-WebSocket-Protocol"] = "rivet_skip_ready_wait",
        };
        var request = TargetRequest.From("/request/x", "h", headers, isWebSocket: true);
        var parsed = ParsedTarget.Of(request);
        Assert.Equal((RouteForm.Header, ParsedTarget.A, "t", true), (parsed.Form, parsed.Id, parsed.Token, parsed.SkipReadyWait));
        Assert.Equal("h", request.Host);
        Assert.Equal("rivet_skip_ready_wait", request.Subprotocols);
        Assert.Equal(0, TargetRequest.From("/request/x", "h", headers, isWebSocket: false).Subprotocols.Count);
    }

    private static void AssertAmbiguous(scoped in TargetRequest request)
    {
        var parsed = ParsedTarget.Of(request);
        Assert.Equal("guard.ambiguous_route", parsed.Code);
        Assert.NotNull(parsed.Error!.Metadata!.Detail);
    }
}
