using System.Net;
using BenchmarkDotNet.Attributes;
using Guard.Core.Options;
using Guard.Core.Transport;
using Guard.Core.Transport.Http;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Yarp.ReverseProxy.Forwarder;

namespace Guard.Benchmarks;

/// <summary>The request transform of a browser's GET, against YARP's own copy of the same headers (which adds none).</summary>
[MemoryDiagnoser]
public class TransformerBenchmarks
{
    private static readonly Uri Target = new("http://127.0.0.1:9000/request/hello?x=1");

    private readonly DefaultHttpContext _context = new() { TraceIdentifier = "0123456789012345678901234567890" };
    private readonly ForwardParts _parts;
    private readonly RunnerAddress _runner = new("runner", new RunnerLocation.Http("http://127.0.0.1:9000", RunnerProtocol.Http1));
    private readonly ActorRoute _route;

    public TransformerBenchmarks()
    {
        var live = new LiveOptions(new GuardOptions());

        // The transform alone: nothing is sent, and nothing comes back.
        _parts = new(null!, null!, null!, null!, live, new TrustedProxies(live), new LastReply(CancellationToken.None), NullLogger.Instance);
        _route = ActorRoute.From(new ActorRecord
        {
            Id = ActorId.New(1),
            Pool = new PoolId("default", "default"),
            Name = "counter",
            Key = "a",
            State = ActorState.Ready,
            Generation = 1,
            Runner = _runner,
        });
        _context.Connection.RemoteIpAddress = IPAddress.Loopback;
        _context.Request.Scheme = "http";
        var headers = _context.Request.Headers;
        headers.Host = "gateway.example:6420";
        headers.Connection = "keep-alive";
        headers.Accept = "*/*";
        headers.AcceptEncoding = "gzip, deflate, br";
        headers.AcceptLanguage = "en";
        headers.UserAgent = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/130.0";
        headers.Cookie = "session=0123456789abcdef";
        headers.Origin = "https://app.example";
    }

    [Benchmark(Baseline = true)]
    public async ValueTask<HttpRequestMessage> YarpCopiesHeaders()
    {
        var message = new HttpRequestMessage { Version = HttpVersion.Version11 };
        await HttpTransformer.Empty.TransformRequestAsync(_context, message, "http://127.0.0.1:9000", default);
        message.RequestUri = Target;
        return message;
    }

    [Benchmark]
    public async ValueTask<HttpRequestMessage> GuardTransformsRequest()
    {
        var message = new HttpRequestMessage { Version = HttpVersion.Version11 };
        var exchange = new ForwardExchange(_parts, _context, _route, "/request/hello?x=1", null, null);
        await exchange.TransformRequestAsync(_context, message, _runner.Location.Endpoint, default);
        return message;
    }
}
