using BenchmarkDotNet.Attributes;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Microsoft.AspNetCore.Http;

namespace Guard.Benchmarks;

/// <summary>Writing the error of a red pool, the one that comes in bursts.</summary>
[MemoryDiagnoser]
public class ErrorWriterBenchmarks
{
    private readonly GuardOptions _options = new();
    private readonly PoolHealthSnapshot _red = new(
        new PoolId("default", "lobby"), 1, 1, true, new ActivePoolError(new PoolError(PoolErrorKind.ServerlessHttpError, 500, "oops"), 1, 1), 0, 1);

    private GuardError _error = null!;

    [GlobalSetup]
    public void Setup() => _error = GuardErrors.ActorRunnerFailed("0123456789abcdefghijklmnopqrst", _red, TimeSpan.FromSeconds(5));

    [Benchmark(Baseline = true)]
    public HttpContext ContextAlone() => Context("*/*");

    [Benchmark]
    public Task Json() => WriteAsync("*/*");

    [Benchmark]
    public Task Problem() => WriteAsync("application/problem+json, */*;q=0.5");

    private async Task WriteAsync(string accept)
    {
        var context = Context(accept);
        await ErrorWriter.WriteAsync(context, _error, _options);
        await context.Response.CompleteAsync();
    }

    private DefaultHttpContext Context(string accept) => new()
    {
        TraceIdentifier = "0123456789abcdefghijklmnopqrst",
        Request = { Method = "GET", Protocol = "HTTP/1.1", Headers = { Accept = accept } },
        Response = { Body = Stream.Null },
    };
}
