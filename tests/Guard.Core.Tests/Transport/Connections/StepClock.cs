using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Core.Tests.Transport.Connections;

/// <summary>A clock that moves only once somebody waits for it: a timer set after the move would never fire.</summary>
internal sealed class StepClock() : FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero))
{
    private readonly Channel<bool> _timers = Channel.CreateUnbounded<bool>();

    /// <summary>Waits for the next timer to be set, then moves the clock.</summary>
    public async Task StepAsync(TimeSpan time, CancellationToken ct)
    {
        await _timers.Reader.ReadAsync(ct).AsTask().WaitAsync(TimeSpan.FromSeconds(10), ct);
        Advance(time);
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        _timers.Writer.TryWrite(true);
        return timer;
    }
}
