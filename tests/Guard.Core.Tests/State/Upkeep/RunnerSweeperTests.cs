using Guard.Core.Options;
using Guard.Core.State.Membership;
using Guard.Core.State.Pools;
using Guard.Core.State.Runners;
using Guard.Core.State.Serverless;
using Guard.Core.State.Upkeep;
using Guard.Core.Tests.Transport.Connections;
using Guard.Model.Runners;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Guard.Core.Tests.State.Upkeep;

public sealed class RunnerSweeperTests : IAsyncDisposable
{
    private static readonly TimeSpan LostAfter = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan None = TimeSpan.MaxValue;

    private readonly LiveOptions _options = new(new GuardOptions());
    private readonly StepClock _time = new();
    private readonly ScriptedUpkeepStore _store = new();
    private readonly LogList _log = new();
    private readonly PoolAttention _attention;
    private readonly RunnerSweeper _sweeper;

    /// <summary>No pool here drains, restarts or connects anything: what does is never asked for anything but nothing.</summary>
    public RunnerSweeperTests()
    {
        _attention = new PoolAttention(_time);
        _sweeper = new(
            _store,
            new RunnerInbox(null!, null!, null!, null!, NullLogger<RunnerInbox>.Instance),
            new ActorEvictions(_store, null!, null!, NullLogger<ActorEvictions>.Instance),
            new ActorRestarts(null!, null!, null!, null!, _options, NullLogger<ActorRestarts>.Instance),
            new ServerlessPoolManager(null!, null!, null!, null!, null!, null!, null!, null!, null!, null!, null!, null!, null!, NullLogger<ServerlessPoolManager>.Instance),
            _attention,
            new GuardIdentity("guard-1"),
            _options,
            _time,
            _log);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _sweeper.StopAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10));
        _sweeper.Dispose();
    }

    private static RunnerRecord Runner(string id) => new()
    {
        Address = new(id, new RunnerLocation.Http("http://127.0.0.1:1", RunnerProtocol.Http1)),
        Pool = new("default", "lobbies"),
        Key = "the-key",
        LastPingTs = 1_000,
        StopTs = 17_500,
    };

    /// <summary>Starts the sweeper; what its first look asked for.</summary>
    private async Task<TimeSpan> StartAsync()
    {
        await _sweeper.StartAsync(Ct);
        return await _store.NextLookAsync(Ct);
    }

    /// <summary>Moves the clock once; what the look that follows asked for.</summary>
    private async Task<TimeSpan> StepAsync(TimeSpan time)
    {
        await _time.StepAsync(time, Ct);
        return await _store.NextLookAsync(Ct);
    }

    /// <summary>Lets time pass period by period; what the last look asked for.</summary>
    private async Task<TimeSpan> PassAsync(TimeSpan time)
    {
        var period = RunnerSweeper.Period(_options.Current.Runners.LostAfter);
        var last = None;
        for (var passed = TimeSpan.Zero; passed < time; passed += period)
        {
            last = await StepAsync(period);
        }

        return last;
    }

    [Theory]
    [InlineData(100, 200)]
    [InlineData(1_000, 200)]
    [InlineData(5_000, 1_000)]
    [InlineData(15_000, 1_000)]
    [InlineData(3_600_000, 1_000)]
    public void Period_OfLostAfter_AFifthWithinBounds(int lostAfterMs, int periodMs)
        => Assert.Equal(TimeSpan.FromMilliseconds(periodMs), RunnerSweeper.Period(TimeSpan.FromMilliseconds(lostAfterMs)));

    [Fact]
    public async Task Start_ContactForLessThanLostAfter_NobodyIsLost()
    {
        Assert.Equal(None, await StartAsync());

        Assert.Equal(None, await PassAsync(TimeSpan.FromSeconds(14)));
        Assert.Equal(LostAfter, await PassAsync(TimeSpan.FromSeconds(2)));
        Assert.Equal(LostAfter, await PassAsync(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task Look_LeaseHeldElsewhereMeanwhile_LostAfterCountsFromTheTakeOver()
    {
        await StartAsync();
        Assert.Equal(LostAfter, await PassAsync(TimeSpan.FromSeconds(17)));
        _store.IsHeldElsewhere = true;
        await PassAsync(TimeSpan.FromSeconds(3));
        Assert.Equal(None, await PassAsync(TimeSpan.FromSeconds(20)));

        _store.IsHeldElsewhere = false;
        Assert.Equal(None, await PassAsync(TimeSpan.FromSeconds(15)));
        Assert.Equal(LostAfter, await PassAsync(TimeSpan.FromSeconds(2)));
    }

    [Fact]
    public async Task Look_LeaseRanOutUnseen_LostAfterCountsAnew()
    {
        await StartAsync();
        Assert.Equal(LostAfter, await PassAsync(TimeSpan.FromSeconds(17)));
        _store.RanOut = true;

        await PassAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(None, await PassAsync(TimeSpan.FromSeconds(14)));
        Assert.Equal(LostAfter, await PassAsync(TimeSpan.FromSeconds(2)));
    }

    [Fact]
    public async Task Stop_HoldsALease_GivesItBack()
    {
        await StartAsync();

        await _sweeper.StopAsync(Ct).WaitAsync(TimeSpan.FromSeconds(10), Ct);

        Assert.Equal("guard-1", _store.Released);
    }

    [Fact]
    public async Task Look_StoreUnavailable_ContactBeginsAnewAndItIsLoggedOnce()
    {
        await StartAsync();
        await PassAsync(TimeSpan.FromSeconds(16));
        _log.Lines.Clear();

        _store.Fails = true;
        await PassAsync(TimeSpan.FromSeconds(6));
        Assert.Equal("Warning RunnerSweepFailed", Assert.Single(_log.Lines).Split(':')[0]);

        _store.Fails = false;
        Assert.Equal(None, await PassAsync(TimeSpan.FromSeconds(15)));
        Assert.Equal(LostAfter, await PassAsync(TimeSpan.FromSeconds(2)));
        Assert.Equal(["Warning RunnerSweepFailed", "Information RunnerSweepResumed"], _log.Lines.Select(l => l.Split(':')[0]));
    }

    [Fact]
    public async Task Look_StoreUnavailableFromTheStart_GoesOnTrying()
    {
        _store.Fails = true;
        await StartAsync();
        await PassAsync(TimeSpan.FromSeconds(30));
        _store.Fails = false;

        Assert.Equal(None, await PassAsync(TimeSpan.FromSeconds(15)));
        Assert.Equal(LostAfter, await PassAsync(TimeSpan.FromSeconds(2)));
    }

    [Fact]
    public async Task Look_UnforeseenException_GoesOn()
    {
        await StartAsync();
        _store.Bug = true;

        await PassAsync(TimeSpan.FromSeconds(4));

        Assert.Single(_log.Lines);
        Assert.False(_sweeper.ExecuteTask!.IsCompleted);
    }

    [Fact]
    public async Task Look_ProcessWasSuspended_ContactBeginsAnew()
    {
        await StartAsync();
        Assert.Equal(LostAfter, await PassAsync(TimeSpan.FromSeconds(16)));

        // Nobody's heartbeat could be heard in this minute.
        Assert.Equal(None, await StepAsync(TimeSpan.FromMinutes(1)));
        Assert.Equal(None, await PassAsync(TimeSpan.FromSeconds(14)));
        Assert.Equal(LostAfter, await PassAsync(TimeSpan.FromSeconds(2)));
    }

    [Fact]
    public async Task Look_OptionsReloaded_NewValueAtTheNextLook()
    {
        await StartAsync();
        await PassAsync(TimeSpan.FromSeconds(16));

        var options = new GuardOptions();
        options.Runners.LostAfter = TimeSpan.FromSeconds(5);
        _options.Publish(options);

        Assert.Equal(TimeSpan.FromSeconds(5), await StepAsync(TimeSpan.FromSeconds(2)));
        Assert.Equal(TimeSpan.FromSeconds(5), await StepAsync(TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task Look_RunnersLost_OneLineEachWithTheCause()
    {
        await StartAsync();
        await PassAsync(TimeSpan.FromSeconds(16));
        _store.Lost = [Runner("r1"), Runner("r2")];

        await PassAsync(TimeSpan.FromSeconds(4));

        Assert.Equal(2, _log.Lines.Count);
        Assert.Contains("Runner r1 (key the-key) of pool default/lobbies is lost: no heartbeat for 16.5 s", _log.Lines[0], StringComparison.Ordinal);
        Assert.Contains("r2", _log.Lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_WhileWaiting_EndsAtOnce()
    {
        await StartAsync();

        await _sweeper.StopAsync(Ct).WaitAsync(TimeSpan.FromSeconds(10), Ct);

        Assert.True(_sweeper.ExecuteTask!.IsCompletedSuccessfully);
    }

    private sealed class LogList : ILogger<RunnerSweeper>
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => Lines.Add($"{logLevel} {eventId.Name}: {formatter(state, exception)}");
    }
}
