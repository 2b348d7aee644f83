using BenchmarkDotNet.Attributes;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Pools;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Guard.Benchmarks;

/// <summary>Writing the error of a red pool, the one that comes in bursts.</summary>
[MemoryDiagnoser]
public class ErrorWriterBenchmarks
{
    private readonly IServiceProvider _services = new ServiceCollection().AddSingleton(new LiveOptions(new GuardOptions())).BuildServiceProvider();
    private readonly PoolHealthSnapshot _red = new(
        new PoolId("default", "lobby"), 1, 1, true, new ActivePoolError(new PoolError(PoolErrorKind.ServerlessHttpError, 500, "oops"), 1, 1), 0, 1);

    private GuardError _error = null!;

    [GlobalSetup]
    public void Setup() => _error = GuardErrors.ActorRunnerFailed("0123456789abcdefghijklmnopqrst", _red, TimeSpan.FromSeconds(5));

    [Benchmark(Baseline = true)]
    public HttpContext ContextAlone() => Context("*/*");

    [Benchmark]
    public Task Json() => ErrorWriter.WriteAsync(Context("*/*"), _error);

    [Benchmark]
    public Task Problem() => ErrorWriter.WriteAsync(Context("application/problem+json, */*;q=0.5"), _error);

    private DefaultHttpContext Context(string accept) => new()
    {
        TraceIdentifier = "0123456789abcdefghijklmnopqrst",
        RequestServices = _services,
        Request = { Method = "GET", Protocol = "HTTP/1.1", Headers = { Accept = accept } },
        Response = { Body = Stream.Null },
    };
}
