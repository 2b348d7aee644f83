using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.State.Membership;
using Guard.Core.Tests.Request.Readiness;
using Guard.Model.Stores;
using Guard.Storage.Memory;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Core.Tests.State.Membership;

/// <summary>Who lives, and when a missing key proves a death.</summary>
public sealed class StarterLivenessTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly MemoryGuardLiveness _store;
    private readonly StoreLink _link;
    private readonly LinkedLiveness _linked;
    private readonly StarterLiveness _liveness;
    private readonly CancellationTokenSource _stop = new();

    public StarterLivenessTests()
    {
        _store = new MemoryGuardLiveness(_time);
        _link = new StoreLink(_time);
        _linked = new LinkedLiveness(_store, _link);
        _liveness = new StarterLiveness(_linked, new GuardIdentity("me"), new GuardMetrics(new LiveOptions(new GuardOptions())), _time, new TestLog<StarterLiveness>());
    }

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _stop.Cancel();
        _liveness.Dispose();
        _stop.Dispose();
    }

    [Fact]
    public async Task Run_FromTheStart_IsAliveThroughout()
    {
        var run = _liveness.RunAsync(_stop.Token);
        for (var i = 0; i < 200; i++)
        {
            Assert.True(await IsAliveAsync("me"));
            _time.Advance(TimeSpan.FromMilliseconds(50));
        }

        await _stop.CancelAsync();
        await run.WaitAsync(TimeSpan.FromSeconds(10), TestToken);
    }

    [Fact]
    public async Task Stop_Clean_EndsItsKeyAtOnceAndForGood()
    {
        await _liveness.StartAsync(TestToken);
        await ReadinessHarness.UntilAsync(() => _link.Calls > 0, "renewed");

        // The host's own time is up: the end is told all the same.
        await _liveness.StopAsync(new CancellationToken(canceled: true));

        Assert.False(await IsAliveAsync("me"));
        await _liveness.EnsureAliveAsync();
        Assert.False(await IsAliveAsync("me"));
    }

    [Fact]
    public async Task Stop_StoreAway_EndsAllTheSame()
    {
        _link.Refuse();
        await _liveness.StartAsync(TestToken);

        await _liveness.StopAsync(TestToken).WaitAsync(TimeSpan.FromSeconds(10), TestToken);
    }

    [Fact]
    public async Task EnsureAlive_NotRenewedYet_RenewsFirst()
    {
        await _liveness.EnsureAliveAsync();

        Assert.True(await IsAliveAsync("me"));
        var calls = _link.Calls;
        await _liveness.EnsureAliveAsync();
        Assert.Equal(calls, _link.Calls);
    }

    [Fact]
    public async Task EnsureAlive_StoreAway_Throws()
    {
        _link.Refuse();
        await Assert.ThrowsAsync<StoreException>(async () => await _liveness.EnsureAliveAsync());
    }

    [Fact]
    public async Task IsDead_Itself_Never()
    {
        _ = _liveness.RunAsync(_stop.Token);
        await PassAsync(TimeSpan.FromSeconds(10));
        await _store.EndAsync("me", TestToken);

        Assert.False(await _liveness.IsDeadAsync("me"));
        Assert.Equal(0, _linked.Asked);
    }

    [Fact]
    public async Task IsDead_KeyGone_OnlyAfterATtlOfContact()
    {
        _ = _liveness.RunAsync(_stop.Token);
        await PassAsync(TimeSpan.FromSeconds(2.9));
        Assert.False(await _liveness.IsDeadAsync("other"));
        Assert.Equal(0, _linked.Asked);

        await PassAsync(TimeSpan.FromSeconds(0.2));
        Assert.True(await _liveness.IsDeadAsync("other"));
    }

    [Fact]
    public async Task IsDead_OtherRenews_No()
    {
        _ = _liveness.RunAsync(_stop.Token);
        await PassAsync(TimeSpan.FromSeconds(5));
        await _store.RenewAsync("other", TestToken);
        await PassAsync(TimeSpan.FromSeconds(2.9));
        Assert.False(await _liveness.IsDeadAsync("other"));

        await PassAsync(TimeSpan.FromSeconds(1));
        Assert.True(await _liveness.IsDeadAsync("other"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task IsDead_StoreWasAway_NotBeforeLivingOnesHadTheirTime(bool hangs)
    {
        _ = _liveness.RunAsync(_stop.Token);
        await PassAsync(TimeSpan.FromSeconds(5));
        Away(hangs);
        await PassAsync(TimeSpan.FromSeconds(6));
        Assert.False(await AskAsync("other"));

        // Every key has vanished meanwhile; nobody is dead for that.
        _link.Up();
        await PassAsync(TimeSpan.FromSeconds(2.9));
        Assert.False(await _liveness.IsDeadAsync("other"));
        await PassAsync(TimeSpan.FromSeconds(1.2));
        Assert.True(await _liveness.IsDeadAsync("other"));
    }

    [Fact]
    public async Task IsDead_ThisGuardWasPaused_NotAtOnce()
    {
        _ = _liveness.RunAsync(_stop.Token);
        await PassAsync(TimeSpan.FromSeconds(5));

        // One leap: no renewal in between, as for a suspended process.
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.False(await _liveness.IsDeadAsync("other"));
    }

    [Fact]
    public async Task IsDead_StoreLostBetweenQuestionAndAnswer_No()
    {
        _ = _liveness.RunAsync(_stop.Token);
        await PassAsync(TimeSpan.FromSeconds(5));
        var resumed = _link.Pause();
        var asked = _liveness.IsDeadAsync("other").AsTask();
        _link.Refuse();
        await PassAsync(TimeSpan.FromSeconds(4));
        resumed.SetResult();

        Assert.False(await asked.WaitAsync(TimeSpan.FromSeconds(10), TestToken));
    }

    [Fact]
    public async Task IsDead_AskedByThousands_TheStoreIsAskedOnce()
    {
        _ = _liveness.RunAsync(_stop.Token);
        await PassAsync(TimeSpan.FromSeconds(5));

        var answers = await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => _liveness.IsDeadAsync("other").AsTask()));

        Assert.All(answers, Assert.True);
        Assert.Equal(1, _linked.Asked);
    }

    private void Away(bool hangs)
    {
        if (hangs)
        {
            _link.Hang();
        }
        else
        {
            _link.Refuse();
        }
    }

    private async Task<bool> AskAsync(string guardId)
    {
        var asked = _liveness.IsDeadAsync(guardId).AsTask();
        await PassAsync(TimeSpan.FromSeconds(1.1));
        return await asked.WaitAsync(TimeSpan.FromSeconds(10), TestToken);
    }

    private async Task<bool> IsAliveAsync(string guardId) => await _store.IsAliveAsync(guardId, TestToken);

    /// <summary>Moves the clock in steps shorter than a renewal.</summary>
    private async Task PassAsync(TimeSpan time)
    {
        var never = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var step = TimeSpan.FromMilliseconds(250);
        for (var left = time; left > TimeSpan.Zero; left -= step)
        {
            await ReadinessHarness.SettleAsync(never.Task);
            _time.Advance(left < step ? left : step);
        }

        await ReadinessHarness.SettleAsync(never.Task);
    }
}
