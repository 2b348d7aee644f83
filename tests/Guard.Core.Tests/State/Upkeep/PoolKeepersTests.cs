using System.Collections.Concurrent;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.State.Membership;
using Guard.Core.State.Pools;
using Guard.Core.State.Upkeep;
using Guard.Core.Tests.Request.Readiness;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Core.Tests.State.Upkeep;

public sealed class PoolKeepersTests : IAsyncDisposable
{
    private static readonly TimeSpan LostAfter = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan None = TimeSpan.MaxValue;

    private readonly LiveOptions _options = new(new GuardOptions());
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly ScriptedUpkeepStore _store = new();
    private readonly LogList _log = new();
    private readonly PoolAttention _attention;
    private readonly ScriptedJob _job = new();
    private readonly PoolKeepers _keepers;

    public PoolKeepersTests()
    {
        _attention = new PoolAttention(_time);
        _keepers = new(_store, [new LoseRunners(_log), _job], _attention, new GuardIdentity("guard-1"), _options, new GuardMetrics(_options), _time, _log);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _keepers.StopAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10));
        _keepers.Dispose();
    }

    private static RunnerRecord Runner(string id) => new()
    {
        Address = new(id, new RunnerLocation.Http("http://127.0.0.1:1", RunnerProtocol.Http1)),
        Pool = new("default", "lobbies"),
        Key = "the-key",
        LastPingTs = 1_000,
        StopTs = 17_500,
    };

    /// <summary>Starts the keepers; what the first look asked for.</summary>
    private async Task<TimeSpan> StartAsync()
    {
        await _keepers.StartAsync(Ct);
        return await PassAsync(TimeSpan.FromMilliseconds(100));
    }

    /// <summary>Lets time pass; what the last look in it asked for.</summary>
    private async Task<TimeSpan> PassAsync(TimeSpan time)
    {
        var before = _store.Sweeps.Count;
        await RunAsync(time);
        return _store.Sweeps.Skip(before).LastOrDefault()?.LostAfter ?? None;
    }

    /// <summary>Lets time pass in small steps, however many looks there are in it.</summary>
    private async Task RunAsync(TimeSpan time)
    {
        var step = TimeSpan.FromMilliseconds(50);
        for (var passed = TimeSpan.Zero; passed < time; passed += step)
        {
            _time.Advance(step);
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Ct);
            var since = TimeProvider.System.GetTimestamp();
            while (ThreadPool.PendingWorkItemCount > 0 && TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromMilliseconds(20))
            {
                await Task.Yield();
            }
        }

        // What the last step set going ends before anything is asserted of it.
        await ReadinessHarness.SettleAsync(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously).Task);
    }

    [Theory]
    [InlineData(100, 200)]
    [InlineData(1_000, 200)]
    [InlineData(5_000, 1_000)]
    [InlineData(15_000, 1_000)]
    [InlineData(3_600_000, 1_000)]
    public void Period_OfLostAfter_AFifthWithinBounds(int lostAfterMs, int periodMs)
        => Assert.Equal(TimeSpan.FromMilliseconds(periodMs), PoolKeepers.Period(TimeSpan.FromMilliseconds(lostAfterMs)));

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

        await _keepers.StopAsync(Ct).WaitAsync(TimeSpan.FromSeconds(10), Ct);

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
        Assert.False(_keepers.ExecuteTask!.IsCompleted);
    }

    [Fact]
    public async Task Look_ProcessWasSuspended_ContactBeginsAnew()
    {
        await StartAsync();
        Assert.Equal(LostAfter, await PassAsync(TimeSpan.FromSeconds(16)));

        // Nobody's heartbeat could be heard in this minute.
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(None, await PassAsync(TimeSpan.FromSeconds(1)));
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

        Assert.Equal(TimeSpan.FromSeconds(5), await PassAsync(TimeSpan.FromSeconds(2)));
        Assert.Equal(TimeSpan.FromSeconds(5), await PassAsync(TimeSpan.FromSeconds(1)));
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
    public async Task Look_OnePoolTakesForever_TheOthersAreLookedAt()
    {
        // As with 500 tombstones behind a slow link.
        var slow = new PoolId("default", "slow");
        _store.Pools = [slow, new("default", "lobbies")];
        var never = new TaskCompletionSource<PoolSweep>(TaskCreationOptions.RunContinuationsAsynchronously);
        _store.Sweep = terms => terms.Pool.Equals(slow) ? never.Task : Task.FromResult(ScriptedUpkeepStore.Empty);
        await StartAsync();

        Assert.Equal(LostAfter, await PassAsync(TimeSpan.FromSeconds(17)));

        Assert.Single(_store.Sweeps, s => s.Pool.Equals(slow));
        Assert.InRange(_store.Sweeps.Count, 15, 20);
        never.SetResult(ScriptedUpkeepStore.Empty);
    }

    [Fact]
    public async Task Look_ManyPoolsThatTakeForever_SoManyAndNoMore()
    {
        _store.Pools = [.. Enumerable.Range(0, PoolKeepers.MostLooks * 2).Select(i => new PoolId("default", $"p{i}"))];
        var never = new TaskCompletionSource<PoolSweep>(TaskCreationOptions.RunContinuationsAsynchronously);
        _store.Sweep = _ => never.Task;
        await StartAsync();
        await RunAsync(TimeSpan.FromSeconds(2));

        Assert.Equal(PoolKeepers.MostLooks, _store.Sweeps.Count);
        never.SetResult(ScriptedUpkeepStore.Empty);
    }

    [Fact]
    public async Task Idle_PoolsWhereNothingIsDue_AreNotSweptButAskedForTheirSilenceTogether()
    {
        _job.Next = TimeSpan.MaxValue;
        _store.Pools = [.. Enumerable.Range(0, 300).Select(i => new PoolId("default", $"p{i}"))];
        _store.Silence = static _ => TimeSpan.FromSeconds(2);
        await StartAsync();
        await RunAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(300, _store.Sweeps.Count);

        // Asked when the runner could be silent for 15 s at the earliest: every 13 s or so, and once when the lease is 15 s old.
        Assert.InRange(_store.Checks.Sum(), 300 * 3, 300 * 7);
        Assert.InRange(_store.Checks.Count, 3, 40);
    }

    [Fact]
    public async Task Silence_TooLong_TheSweepThatLosesTheRunnerFollows()
    {
        _job.Next = TimeSpan.MaxValue;
        var heard = _time.GetTimestamp();
        _store.Silence = _ => _time.GetElapsedTime(heard);
        await StartAsync();

        await RunAsync(TimeSpan.FromSeconds(17));

        Assert.Equal([None, LostAfter], _store.Sweeps.Select(s => s.LostAfter).Take(2));
    }

    [Fact]
    public async Task Attention_PoolOfThisGuard_AtOnce()
    {
        _job.Next = TimeSpan.MaxValue;
        await StartAsync();
        await RunAsync(TimeSpan.FromSeconds(3));
        Assert.Single(_store.Sweeps);

        _attention.LookSoon(_store.Pools[0]);
        await RunAsync(TimeSpan.FromMilliseconds(100));

        Assert.Equal(2, _store.Sweeps.Count);
    }

    [Fact]
    public async Task Attention_PoolThatAnotherGuardLeases_IsLeftToIt()
    {
        _store.IsHeldElsewhere = true;
        await StartAsync();
        _attention.LookSoon(_store.Pools[0]);
        ((IChangeSink)_attention).ActorChanged(default, _store.Pools[0], 1);
        ((IChangeSink)_attention).Gap();

        await RunAsync(TimeSpan.FromSeconds(5));

        Assert.Empty(_store.Sweeps);
    }

    [Fact]
    public async Task Attention_NewPoolOfThisGuard_WithoutAListing()
    {
        _store.Pools = [];
        await _keepers.StartAsync(Ct);
        await RunAsync(TimeSpan.FromSeconds(1));

        ((IChangeSink)_attention).PoolConfigChanged(new("default", "new"));
        await RunAsync(TimeSpan.FromMilliseconds(100));

        // The clock stands still: a busy machine may take its time, the keeper may not.
        await ReadinessHarness.UntilAsync(() => !_store.Sweeps.IsEmpty, "the new pool is swept");
        Assert.Equal("default/new", Assert.Single(_store.Sweeps).Pool.ToString());
    }

    [Fact]
    public async Task ActorChanged_PoolOfThisGuard_WithinAPeriodAndOnce()
    {
        _job.Next = TimeSpan.MaxValue;
        await StartAsync();
        await RunAsync(TimeSpan.FromSeconds(3));
        for (var i = 0; i < 100; i++)
        {
            ((IChangeSink)_attention).ActorChanged(default, _store.Pools[0], i);
        }

        await RunAsync(TimeSpan.FromSeconds(3));

        Assert.Equal(2, _store.Sweeps.Count);
    }

    [Fact]
    public async Task Gap_EventsMissed_EveryPoolIsLookedAt()
    {
        _job.Next = TimeSpan.MaxValue;
        _store.Pools = [.. Enumerable.Range(0, 20).Select(i => new PoolId("default", $"p{i}"))];
        await StartAsync();
        await RunAsync(TimeSpan.FromSeconds(2));
        Assert.Equal(20, _store.Sweeps.Count);

        ((IChangeSink)_attention).Gap();
        await RunAsync(TimeSpan.FromSeconds(7));

        Assert.Equal(40, _store.Sweeps.Count);
    }

    [Fact]
    public async Task Lease_LostToAnother_JobsAreToldAndNothingIsSwept()
    {
        await StartAsync();
        _store.IsHeldElsewhere = true;
        await RunAsync(TimeSpan.FromSeconds(2));
        var swept = _store.Sweeps.Count;

        await RunAsync(TimeSpan.FromSeconds(3));

        Assert.Equal(swept, _store.Sweeps.Count);
        Assert.Equal(_store.Pools, _job.LostPools);
    }

    [Fact]
    public async Task Stop_WhileWaiting_EndsAtOnce()
    {
        await StartAsync();

        await _keepers.StopAsync(Ct).WaitAsync(TimeSpan.FromSeconds(10), Ct);

        Assert.True(_keepers.ExecuteTask!.IsCompletedSuccessfully);
    }

    /// <summary>Wants another look in each period, unless told otherwise.</summary>
    private sealed class ScriptedJob : IPoolJob
    {
        public TimeSpan? Next { get; set; }

        public ConcurrentQueue<PoolId> Looks { get; } = new();

        public ConcurrentQueue<PoolId> LostPools { get; } = new();

        public ValueTask<TimeSpan> RunAsync(PoolLook look, CancellationToken cancellationToken)
        {
            Looks.Enqueue(look.Pool);
            return new(Next ?? look.Period);
        }

        public void Lost(PoolId pool) => LostPools.Enqueue(pool);
    }

    private sealed class LogList : ILogger<PoolKeepers>, ILogger<LoseRunners>
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
