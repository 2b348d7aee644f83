using Guard.Simulation.Checks;
using Microsoft.Extensions.Logging;

namespace Guard.Simulation.Engine;

/// <summary>The product's log lines in the history. An error line says of itself that it is a bug, so it fails the run.</summary>
internal sealed class SimLog<T>(World world, SimProcess process) : ILogger<T>
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error || (world.History.IsRecorded && logLevel >= LogLevel.Debug);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var text = SimIds.Rename($"log: {formatter(state, exception)}{(exception is null ? "" : " " + exception.Message)}");
        world.History.Explain(process, text);
        if (logLevel >= LogLevel.Error)
        {
            world.Checks.Fail(ViolationKind.Bug, $"{process} {text}\n{exception}");
        }
    }
}
