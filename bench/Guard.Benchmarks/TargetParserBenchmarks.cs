using BenchmarkDotNet.Attributes;
using Guard.Core.Errors;
using Guard.Core.Request.Targets;
using Microsoft.Extensions.Primitives;

namespace Guard.Benchmarks;

/// <summary>Parsing a request in each form; every one of them has to allocate 0 bytes. The direct form is the baseline.</summary>
[MemoryDiagnoser]
public class TargetParserBenchmarks
{
    private const string Domain = "actors.example.com";
    private const string Id = "9ekfqg0n2918ayrwkqimbdvfvncl00";
    private const string Direct = $"/gateway/{Id}/request/hello?foo=bar";
    private const string Token = $"/gateway/{Id}@tok%40en/request/hello?foo=bar";
    private const string Get = "/gateway/counter/request/hello?rvt-namespace=default&rvt-method=get&rvt-key=k1&foo=bar";
    private const string Create =
        "/gateway/counter/request/hello?rvt-namespace=default&rvt-method=getOrCreate&rvt-pool=default&rvt-key=tenant%2F1,k+1&rvt-token=t&foo=bar";

    private static readonly StringValues Actor = Id;
    private static readonly StringValues Target = "actor";
    private static readonly StringValues Offer = $"rivet, rivet_target.actor, rivet_actor.{Id}, rivet_token.t";

    private readonly TargetParser _parser = new(null);
    private readonly TargetParser _hostParser = new(Domain);

    [Benchmark(Baseline = true)]
    public bool DirectForm() => Parse(_parser, new TargetRequest { RawTarget = Direct, Host = "127.0.0.1:6420" });

    [Benchmark]
    public bool DirectFormWithToken() => Parse(_parser, new TargetRequest { RawTarget = Token, Host = "127.0.0.1:6420" });

    [Benchmark]
    public bool QueryFormGet() => Parse(_parser, new TargetRequest { RawTarget = Get, Host = "127.0.0.1:6420" });

    [Benchmark]
    public bool QueryFormGetOrCreate() => Parse(_parser, new TargetRequest { RawTarget = Create, Host = "127.0.0.1:6420" });

    [Benchmark]
    public bool HeaderForm()
        => Parse(_parser, new TargetRequest { RawTarget = "/request/hello?foo=bar", Host = "127.0.0.1:6420", Target = Target, Actor = Actor });

    [Benchmark]
    public bool WebSocketForm()
        => Parse(_parser, new TargetRequest { RawTarget = "/chat?foo=bar", Host = "127.0.0.1:6420", IsWebSocket = true, Subprotocols = Offer });

    [Benchmark]
    public bool HostForm() => Parse(_hostParser, new TargetRequest { RawTarget = "/hello?foo=bar", Host = $"{Id}.{Domain}" });

    /// <summary>What forwarding adds: the one string the runner's request needs.</summary>
    [Benchmark]
    public string DirectFormForwardedTarget()
    {
        _parser.Parse(new TargetRequest { RawTarget = Direct }, stackalloc char[TargetParser.ScratchLength], out var target);
        return target.ForwardedTarget();
    }

    private static bool Parse(TargetParser parser, scoped in TargetRequest request)
    {
        GuardError? error = parser.Parse(request, stackalloc char[TargetParser.ScratchLength], out var target);
        return error is null && target.SkipReadyWait;
    }
}
