using Guard.Core.Transport.Http;
using Guard.Core.Transport.WebSockets;

namespace Guard.Core.Tests.Transport.Http;

public sealed class HeaderRulesTests
{
    [Theory]
    [InlineData("x-rivet-target")]
    [InlineData("x-rivet-actor")]
    [InlineData("x-rivet-actor-key")]
    [InlineData("x-rivet-actor-generation")]
    [InlineData("x-rivet-token")]
    [InlineData("x-rivet-skip-ready-wait")]
    [InlineData("X-RIVET-RAY-ID")]
    [InlineData("x-rivet-error")]
    [InlineData("Forwarded")]
    [InlineData("X-Real-IP")]
    [InlineData("X-Content-Length")]
    [InlineData("X-Guard-Channel")]
    [InlineData("x-guard-")]
    [InlineData("a_b")]
    [InlineData("_")]
    [InlineData(":path")]
    [InlineData("Connection")]
    [InlineData("Keep-Alive")]
    [InlineData("Proxy-Connection")]
    [InlineData("Proxy-Authorization")]
    [InlineData("Proxy-Authenticate")]
    [InlineData("TE")]
    [InlineData("Trailer")]
    [InlineData("Transfer-Encoding")]
    [InlineData("Upgrade")]
    [InlineData("HTTP2-Settings")]
    public void PassesToRunner_Removed_False(string name) => Assert.False(HeaderRules.PassesToRunner(name));

    [Theory]
    [InlineData("host")]
    [InlineData("x-rivet-custom")]
    [InlineData("x-rivet-actor-x")]
    [InlineData("x-rivet")]
    [InlineData("x-guard")]
    [InlineData("x-guardian")]
    [InlineData("authorization")]
    [InlineData("x-forwarded-port")]
    [InlineData("upgrade-insecure-requests")]
    [InlineData("expect")]
    [InlineData("alt-svc")]
    public void PassesToRunner_Other_True(string name) => Assert.True(HeaderRules.PassesToRunner(name));

    [Theory]
    [InlineData("connection", false)]
    [InlineData("Transfer-Encoding", false)]
    [InlineData("trailer", false)]
    [InlineData("x-rivet-ray-id", false)]
    [InlineData("x-rivet-error", true)]
    [InlineData("x-guard-x", true)]
    [InlineData("a_b", true)]
    [InlineData("set-cookie", true)]
    [InlineData("alt-svc", true)]
    public void PassesToClient_Name_AsListed(string name, bool passes) => Assert.Equal(passes, HeaderRules.PassesToClient(name));

    [Theory]
    [InlineData("guard.upstream_error", true)]
    [InlineData(" Guard.x", true)]
    [InlineData("core.internal_error", true)]
    [InlineData("guardian.x", false)]
    [InlineData("actor.not_found", false)]
    [InlineData("", false)]
    public void IsGuardsError_Code_ByGroup(string value, bool expected) => Assert.Equal(expected, HeaderRules.IsGuardsError(value));

    [Theory]
    [InlineData("keep-alive", "x-a", false)]
    [InlineData("x-a", "X-A", true)]
    [InlineData("close , x-a,,x-b ", "x-b", true)]
    [InlineData("host, content-length", "host", false)]
    [InlineData("host, content-length", "content-length", false)]
    public void ConnectionTokens_Contains_NamedHeaders(string connection, string name, bool expected)
        => Assert.Equal(expected, ConnectionTokens.Parse(connection).Contains(name));

    [Theory]
    [InlineData("rivet, rivet_target.actor, rivet_actor.a, rivet_token.t, rivet_skip_ready_wait", "rivet", true)]
    [InlineData("rivet_target.actor,rivet_actor.a", "", false)]
    [InlineData("a,  b ,c", "a,  b ,c", false)]
    [InlineData("rivet_token.t,a ,, b", "a, b", false)]
    [InlineData("rivet_skip_ready_wait.x, Rivet, rivetx", "rivet_skip_ready_wait.x, Rivet, rivetx", false)]
    public void SubprotocolOffer_Parse_GuardsTokensRemoved(string offered, string expected, bool rivet)
    {
        var offer = SubprotocolOffer.Parse(offered);

        Assert.Equal(expected, offer.Forwarded.ToString());
        Assert.Equal(rivet, offer.OffersRivet);
        Assert.Equal(expected.Length == 0, offer.Forwarded.Count == 0);
    }
}
