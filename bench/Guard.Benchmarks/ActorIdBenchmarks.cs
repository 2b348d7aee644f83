using BenchmarkDotNet.Attributes;
using Guard.Model.Ids;

namespace Guard.Benchmarks;

/// <summary>Reading and writing ids: done for every request that names its actor by id.</summary>
public class ActorIdBenchmarks
{
    private readonly char[] _buffer = new char[ActorId.TextLength];
    private ActorId _id;
    private string _text = "";

    [GlobalSetup]
    public void Setup()
    {
        _id = ActorId.New(1);
        _text = _id.ToString();
    }

    [Benchmark]
    public bool Parse() => ActorId.TryParse(_text, out _);

    [Benchmark]
    public bool Format() => _id.TryFormat(_buffer);
}
