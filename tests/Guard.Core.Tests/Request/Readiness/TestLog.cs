using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Guard.Core.Tests.Request.Readiness;

/// <summary>Keeps log lines, and writes them to the running test's output, so that a failure shows them.</summary>
internal sealed class TestLog<T> : ILogger<T>
{
    private readonly ITestOutputHelper? _output = TestContext.Current.TestOutputHelper;

    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyCollection<string> Lines => _lines;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        _lines.Enqueue(formatter(state, exception));
        try
        {
            _output?.WriteLine($"{logLevel} {typeof(T).Name}: {formatter(state, exception)} {exception}");
        }
        catch (InvalidOperationException)
        {
            // The test is over; what still runs has nobody to tell.
        }
    }
}
