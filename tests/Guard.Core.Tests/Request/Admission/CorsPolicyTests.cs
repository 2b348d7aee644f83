using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Microsoft.AspNetCore.Http;

namespace Guard.Core.Tests.Request.Admission;

public sealed class CorsPolicyTests
{
    [Theory]
    [InlineData("OPTIONS", "https://a", "GET", true)]
    [InlineData("OPTIONS", "https://a", null, false)]
    [InlineData("OPTIONS", null, "GET", false)]
    [InlineData("GET", "https://a", "GET", false)]
    public void IsPreflight_Request_NeedsAllThree(string method, string? origin, string? asked, bool expected)
        => Assert.Equal(expected, CorsPolicy.IsPreflight(Context(method, origin, asked).Request));

    [Theory]
    [InlineData(null, "https://a", "*", "", "")]
    [InlineData(null, null, "*", "", "")]
    [InlineData(null, "null", "*", "", "")]
    [InlineData("https://a", "https://a", "https://a", "true", "origin")]
    [InlineData("https://A/", "https://a", "https://a", "true", "origin")]
    [InlineData("https://a", "https://b", "", "", "origin")]
    [InlineData("https://a", "http://a", "", "", "origin")]
    [InlineData("https://a", "https://a:8443", "", "", "origin")]
    [InlineData("https://a", "https://a.evil", "", "", "origin")]
    [InlineData("https://a", null, "", "", "origin")]
    [InlineData("https://a", "null", "", "", "origin")]
    [InlineData("null", "null", "null", "true", "origin")]
    [InlineData("*,https://a", "https://a", "https://a", "true", "origin")]
    [InlineData("*,https://a", "https://b", "*", "", "origin")]
    public void Apply_Origins_EchoedOnlyWhereListed(string? allowed, string? origin, string allowOrigin, string credentials, string vary)
    {
        var context = Context("GET", origin, null);

        Policy(allowed).Apply(context);

        var headers = context.Response.Headers;
        Assert.Equal(allowOrigin, headers.AccessControlAllowOrigin.ToString());
        Assert.Equal(credentials, headers.AccessControlAllowCredentials.ToString());
        Assert.Equal(vary, headers.Vary.ToString());
        Assert.Equal(allowOrigin.Length > 0, headers.AccessControlExposeHeaders.Count > 0);
    }

    [Theory]
    [InlineData(null, "https://evil", false)]
    [InlineData("*,https://a", "https://evil", false)]
    [InlineData("https://a", "https://a", false)]
    [InlineData("https://a", "HTTPS://A", false)]
    [InlineData("https://a", "https://evil", true)]
    [InlineData("https://a", "null", true)]
    [InlineData("null", "null", false)]
    [InlineData("https://a", null, false)]
    [InlineData("https://a", "", true)]
    [InlineData("", "https://a", true)]
    public void RefusesWebSocket_Origin_OnlyWhereItMayNotRead(string? allowed, string? origin, bool refused)
        => Assert.Equal(refused, Policy(allowed).RefusesWebSocket(Context("GET", origin, null).Request));

    [Fact]
    public void AnswerPreflight_AllowedOrigin_204WithWhatWasAsked()
    {
        var context = Context("OPTIONS", "https://a", "PATCH");
        context.Request.Headers.AccessControlRequestHeaders = "x-foo, content-type";

        Policy(null).AnswerPreflight(context);

        var headers = context.Response.Headers;
        Assert.Equal(204, context.Response.StatusCode);
        Assert.Equal("*", headers.AccessControlAllowOrigin);
        Assert.Equal("PATCH", headers.AccessControlAllowMethods);
        Assert.Equal("x-foo, content-type", headers.AccessControlAllowHeaders);
        Assert.Equal("86400", headers.AccessControlMaxAge);
        Assert.Contains("access-control-request-headers", headers.Vary.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void AnswerPreflight_ForeignOrigin_204WithoutLeave()
    {
        var context = Context("OPTIONS", "https://b", "PATCH");

        Policy("https://a").AnswerPreflight(context);

        Assert.Equal(204, context.Response.StatusCode);
        Assert.Equal(0, context.Response.Headers.AccessControlAllowOrigin.Count);
        Assert.Equal(0, context.Response.Headers.AccessControlAllowMethods.Count);
    }

    [Fact]
    public void Apply_Reloaded_NewOriginsCount()
    {
        var live = new LiveOptions(new GuardOptions());
        var policy = new CorsPolicy(live);
        live.Publish(new GuardOptions { Gateway = { Cors = { AllowedOrigins = ["https://a"] } } });
        var context = Context("GET", "https://b", null);

        policy.Apply(context);

        Assert.Equal(0, context.Response.Headers.AccessControlAllowOrigin.Count);
    }

    private static CorsPolicy Policy(string? allowed)
        => new(new LiveOptions(new GuardOptions { Gateway = { Cors = { AllowedOrigins = allowed?.Split(',') } } }));

    private static DefaultHttpContext Context(string method, string? origin, string? asked)
    {
        var context = new DefaultHttpContext();
        context.Request.Method = method;
        if (origin is not null)
        {
            context.Request.Headers.Origin = origin;
        }

        if (asked is not null)
        {
            context.Request.Headers.AccessControlRequestMethod = asked;
        }

        return context;
    }
}
