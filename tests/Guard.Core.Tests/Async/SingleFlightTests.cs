using Guard.Core.Async;

namespace Guard.Core.Tests.Async;

public sealed class SingleFlightTests
{
    private int _calls;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_CallFails_AllWhoSharedItFailAndTheNextBeginsAnew(bool keepsResults)
    {
        var flight = new SingleFlight<string, int>(keepsResults);
        var source = NewSource();
        var first = RunAsync(flight, source);
        var second = RunAsync(flight, source);
        source.SetException(new FormatException("garbled"));

        await Assert.ThrowsAsync<FormatException>(() => first);
        await Assert.ThrowsAsync<FormatException>(() => second);

        Assert.Equal(1, _calls);
        var next = NewSource();
        next.SetResult(7);
        Assert.Equal(7, await RunAsync(flight, next));
    }

    [Fact]
    public async Task Run_Ended_TheNextBeginsAnew()
    {
        var flight = new SingleFlight<string, int>();
        foreach (var value in new[] { 1, 2 })
        {
            var source = NewSource();
            source.SetResult(value);
            Assert.Equal(value, await RunAsync(flight, source));
        }

        Assert.Equal(2, _calls);
    }

    [Fact]
    public async Task Run_KeepsResults_SharesThemUntilForgotten()
    {
        var flight = new SingleFlight<string, int>(keepsResults: true);
        var (one, two) = (NewSource(), NewSource());
        one.SetResult(1);
        two.SetResult(2);

        Assert.Equal(1, await RunAsync(flight, one));
        Assert.Equal(1, await RunAsync(flight, two));
        flight.Forget("key");

        Assert.Equal(2, await RunAsync(flight, two));
    }

    private static TaskCompletionSource<int> NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Task<int> RunAsync(SingleFlight<string, int> flight, TaskCompletionSource<int> source)
        => flight.RunAsync(
            "key",
            s =>
            {
                Interlocked.Increment(ref _calls);
                return s.Task;
            },
            source);
}
