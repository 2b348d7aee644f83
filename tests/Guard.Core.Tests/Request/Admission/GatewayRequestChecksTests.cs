using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Guard.Core.Tests.Request.Admission;

/// <summary>What raw bytes do is tested against the real server; here, what the server would have made of them.</summary>
public sealed class GatewayRequestChecksTests
{
    private readonly GatewayRequestChecks _checks = new(new LiveOptions(new GuardOptions { Limits = new() { MaxRequestBodyBytes = 10 } }));

    [Fact]
    public void Check_OrdinaryRequests_Allocate0Bytes()
    {
        var plain = Request();
        var chunked = Request(("Transfer-Encoding", "chunked"));
        var upgrade = Request(("Connection", "keep-alive, Upgrade"), ("Upgrade", "websocket"));
        Assert.Null(_checks.Check(plain) ?? _checks.Check(chunked) ?? _checks.Check(upgrade));

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            _checks.Check(plain);
            _checks.Check(chunked);
            _checks.Check(upgrade);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData(10, true)]
    [InlineData(11, false)]
    public void Check_AnnouncedLength_IsHeldAgainstTheLimit(long length, bool passes)
    {
        var context = Request();
        context.Request.ContentLength = length;

        var error = _checks.Check(context);

        Assert.Equal(passes ? null : "guard.request_body_too_large", error?.FullCode);
    }

    [Theory]
    [InlineData("HTTP/1.1", "content-length", "3")]
    [InlineData("HTTP/1.1", "transfer-encoding", "chunked")]
    [InlineData("HTTP/2", "accept", "*/*")]
    public void Check_RequestThatMayHaveABody_LimitsWhatCanBeRead(string protocol, string name, string value)
    {
        var context = Request((name, value));
        context.Request.Protocol = protocol;
        context.Request.Headers.Host = "a";
        var size = new BodySize();
        context.Features.Set<IHttpMaxRequestBodySizeFeature>(size);

        Assert.Null(_checks.Check(context));

        Assert.Equal(10, size.MaxRequestBodySize);
    }

    [Theory]
    [InlineData("websocket", true)]
    [InlineData("connect-udp", false)]
    public void Check_ExtendedConnect_OnlyForWebSockets(string protocol, bool passes)
    {
        var context = Request();
        context.Request.Method = HttpMethods.Connect;
        context.Request.Protocol = HttpProtocol.Http2;
        context.Request.Headers.Host = "a";
        context.Features.Set<IHttpExtendedConnectFeature>(new Connect(protocol));

        Assert.Equal(passes, _checks.Check(context) is null);
    }

    private static DefaultHttpContext Request(params (string Name, string Value)[] headers)
    {
        var context = new DefaultHttpContext();
        context.Request.Protocol = HttpProtocol.Http11;
        context.Request.Method = HttpMethods.Get;
        foreach (var (name, value) in headers)
        {
            context.Request.Headers[name] = value;
        }

        return context;
    }

    private sealed class BodySize : IHttpMaxRequestBodySizeFeature
    {
        public bool IsReadOnly => false;

        public long? MaxRequestBodySize { get; set; }
    }

    private sealed record Connect(string Protocol) : IHttpExtendedConnectFeature
    {
        public bool IsExtendedConnect => true;

        public ValueTask<Stream> AcceptAsync() => throw new NotSupportedException();
    }
}
