namespace Guard.Configuration;

/// <summary>Looks at files every <see cref="SettledFileWatch.PollInterval"/> until it is disposed of; a look that takes longer is not joined
/// by the next. Thread-safe.</summary>
internal sealed class FilePoll : IDisposable
{
    private readonly Action _look;
    private readonly ITimer _timer;
    private int _looking;

    /// <param name="time">The clock to go by.</param>
    /// <param name="look">Must not throw: on a timer's thread that would end the process.</param>
    public FilePoll(TimeProvider time, Action look)
    {
        _look = look;
        _timer = time.CreateTimer(static state => ((FilePoll)state!).Look(), this, SettledFileWatch.PollInterval, SettledFileWatch.PollInterval);
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        if (Interlocked.Exchange(ref _looking, 1) != 0)
        {
            return;
        }

        try
        {
            _look();
        }
        finally
        {
            Volatile.Write(ref _looking, 0);
        }
    }
}
