using Guard.Core.Async;

namespace Guard.Configuration;

/// <summary>Looks at files every <see cref="SettledFileWatch.PollInterval"/>, the first time after one, until it is disposed of; one look at a
/// time. Thread-safe.</summary>
internal sealed class FilePoll : IDisposable
{
    private readonly CancellationTokenSource _stop = new();

    /// <param name="loop">Goes on whatever a look throws.</param>
    /// <param name="time">The clock to go by.</param>
    /// <param name="look">One look.</param>
    public FilePoll(GuardedLoop loop, TimeProvider time, Action look)
        => _ = loop.RunAsync(
            TimeSpan.Zero,
            async stopping =>
            {
                await Task.Delay(SettledFileWatch.PollInterval, time, stopping);
                look();
            },
            _stop.Token);

    public void Dispose() => _stop.Cancel();
}
