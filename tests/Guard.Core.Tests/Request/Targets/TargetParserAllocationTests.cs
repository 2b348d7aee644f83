using Guard.Core.Diagnostics;
using Guard.Core.Request.Targets;
using Guard.Core.Transport.Http;

namespace Guard.Core.Tests.Request.Targets;

public sealed class TargetParserAllocationTests
{
    private static readonly string A = ParsedTarget.A.ToString();

    public static TheoryData<string, string> Forms => new()
    {
        { "direct", $"/gateway/{A}/request/hello?a=b&c=%20" },
        { "direct, encoded id and token", $"/gateway/%{(int)A[0]:X2}{A[1..].ToUpperInvariant()}@tok%40en/a/%2e%2e/b" },
        { "direct, absolute form", $"http://h.example/gateway/{A}/x" },
        { "query, get", "/gateway/counter/x?foo=1&rvt-namespace=default&rvt-method=get&rvt-key=k1,k%2F2" },
        {
            "query, everything encoded",
            "/gateway/c%6funter/x?rvt-namespace=d%65fault&rvt-method=getOr%43reate&rvt-pool=%6dain&rvt-key=a+b,%E2%9C%93&rvt-region=%65u"
                + "&rvt-crash-policy=%73leep&rvt-token=t%20k&rvt-skip-ready-wait=%31"
        },
        { "header", "/request/hello?x=1" },
        { "websocket", "/any/path?rvt-token=t%41" },
        { "host", "/any/.dots/../path" },
    };

    private static TargetRequest Request(string form, string raw) => form switch
    {
        "header" => new() { RawTarget = raw, Host = "h", Target = "actor", Actor = A, Token = "t", SkipReadyWait = "1" },
        "websocket" => new()
        {
            RawTarget = raw,
            IsWebSocket = true,
            Subprotocols = $"rivet, rivet_target.actor, rivet_actor.{A}, rivet_token.t, rivet_skip_ready_wait",
        },
        "host" => new() { RawTarget = raw, Host = $"{A}.{ParsedTarget.Domain}:80" },
        _ => new() { RawTarget = raw, Host = "h", Target = "actor", Actor = form.StartsWith("direct", StringComparison.Ordinal) ? A : "" },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public void Parse_EveryForm_AllocatesNothing(string form, string raw)
    {
        var parser = new TargetParser(ParsedTarget.Domain);
        var request = Request(form, raw);
        Span<char> scratch = stackalloc char[TargetParser.ScratchLength];
        Assert.Null(parser.Parse(request, scratch, out var target));
        Assert.NotEqual(RouteForm.None, target.Form);
        for (var i = 0; i < 100; i++)
        {
            parser.Parse(request, scratch, out target);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            parser.Parse(request, scratch, out target);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void IsReserved_LongEncodedPath_AllocatesNothing()
    {
        var path = string.Concat(Enumerable.Repeat("/%2e%2e/a;b/.guar%2564%", 300));
        GuardChannelPath.IsReserved(path);
        var before = GC.GetAllocatedBytesForCurrentThread();
        GuardChannelPath.IsReserved(path);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
