using Guard.Core.Options;
using Guard.Core.State.Pools;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Core.Tests.State.Pools;

public class PoolSettingsSourceTests
{
    private readonly PoolId _pool = new("ns", "pool");
    private readonly FakeTimeProvider _time = new();
    private readonly ScriptedPoolStore _store = new();
    private readonly LiveOptions _options = new(new GuardOptions());
    private readonly PoolSettingsSource _source;

    public PoolSettingsSourceTests() => _source = new(_store, _options, _time, NullLogger<PoolSettingsSource>.Instance);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public void Resolve_NoOverrides_AreTheOptions() => Assert.Equal(
        new PoolSettings(Seconds(1), Seconds(2), Seconds(2), null, Seconds(10)),
        PoolSettings.Resolve(null, new GuardOptions()));

    [Fact]
    public void Resolve_SomeOverrides_ReplaceOnlyThose()
    {
        var overrides = new PoolGuardOverrides { CheckDelayMs = 100, ReadyTimeoutMs = 5000, InitTimeoutMs = 1 };

        Assert.Equal(
            new PoolSettings(Seconds(0.1), Seconds(2), Seconds(2), Seconds(5), Seconds(0.001)),
            PoolSettings.Resolve(overrides, new GuardOptions()));
    }

    [Fact]
    public void Get_StoreAnswersAtOnce_AreThePoolsOwn()
    {
        _store.Answer(new PoolGuardOverrides { PollIntervalMs = 50 });

        Assert.Equal(Seconds(0.05), _source.Get(_pool).PollInterval);
        _source.Get(_pool);
        Assert.Equal(1, _store.Reads);
    }

    [Fact]
    public async Task Get_StoreIsSlow_AreTheOptionsUntilItAnswers()
    {
        var parked = Park();
        Assert.Equal(Seconds(2), _source.Get(_pool).PollInterval);
        Assert.Equal(Seconds(2), _source.Get(_pool).PollInterval);
        var all = _source.GetAsync(_pool, Cancelled).AsTask();

        parked.SetResult(new PoolConfig { Guard = new PoolGuardOverrides { PollIntervalMs = 50 } });

        Assert.Equal(Seconds(0.05), (await all.WaitAsync(TimeSpan.FromSeconds(10), Cancelled)).PollInterval);
        Assert.Equal(Seconds(0.05), _source.Get(_pool).PollInterval);
        Assert.Equal(1, _store.Reads);
    }

    [Fact]
    public async Task GetAsync_OneCallerCancels_OthersStillGetTheResult()
    {
        var parked = Park();
        using var gone = new CancellationTokenSource();
        var first = _source.GetAsync(_pool, gone.Token).AsTask();
        var second = _source.GetAsync(_pool, Cancelled).AsTask();

        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.WaitAsync(TimeSpan.FromSeconds(10), Cancelled));
        parked.SetResult(null);

        await second.WaitAsync(TimeSpan.FromSeconds(10), Cancelled);
        Assert.Equal(1, _store.Reads);
    }

    [Fact]
    public async Task GetAsync_StoreHangs_AreTheOptionsAfterASecond()
    {
        Park();
        var settings = _source.GetAsync(_pool, Cancelled).AsTask();
        _time.Advance(Seconds(1));

        Assert.Equal(PoolSettings.Resolve(null, _options.Current), await settings.WaitAsync(TimeSpan.FromSeconds(10), Cancelled));
    }

    [Fact]
    public void Get_StoreFails_IsNotAskedAgainForASecond()
    {
        _store.OnGet = _ => throw new StoreUnavailableException("down");
        _source.Get(_pool);
        _source.Get(_pool);
        _time.Advance(Seconds(0.999));
        _source.Get(_pool);
        Assert.Equal(1, _store.Reads);

        _time.Advance(Seconds(0.001));
        _store.Answer(new PoolGuardOverrides { PollIntervalMs = 50 });

        Assert.Equal(Seconds(0.05), _source.Get(_pool).PollInterval);
    }

    [Fact]
    public void PoolConfigChanged_KnownPool_IsReadAtOnceAndTold()
    {
        List<PoolId> changed = [];
        _source.Get(_pool);
        _source.Changed += changed.Add;
        _store.Answer(new PoolGuardOverrides { CheckDelayMs = 7 });

        _source.PoolConfigChanged(_pool);

        Assert.Equal([_pool], changed);
        Assert.Equal(Seconds(0.007), _source.Get(_pool).CheckDelay);
        Assert.Equal(2, _store.Reads);
    }

    [Fact]
    public void PoolConfigChanged_UnknownPool_ReadsNothing()
    {
        _source.PoolConfigChanged(_pool);

        Assert.Equal(0, _store.Reads);
    }

    [Fact]
    public void PoolConfigChanged_StoreDown_KeepsWhatIsKnown()
    {
        _store.Answer(new PoolGuardOverrides { CheckDelayMs = 7 });
        _source.Get(_pool);
        _store.OnGet = _ => throw new StoreUnavailableException("down");

        _source.PoolConfigChanged(_pool);

        Assert.Equal(Seconds(0.007), _source.Get(_pool).CheckDelay);
    }

    [Fact]
    public async Task PoolConfigChanged_DuringARead_ReadsOnceMore()
    {
        var parked = Park();
        _source.Get(_pool);
        _source.PoolConfigChanged(_pool);
        var settings = _source.GetAsync(_pool, Cancelled).AsTask();

        _store.Answer(new PoolGuardOverrides { CheckDelayMs = 8 });
        parked.SetResult(new PoolConfig { Guard = new PoolGuardOverrides { CheckDelayMs = 7 } });

        Assert.Equal(Seconds(0.008), (await settings.WaitAsync(TimeSpan.FromSeconds(10), Cancelled)).CheckDelay);
        Assert.Equal(2, _store.Reads);
    }

    [Fact]
    public void Gap_KnownPool_IsReadWhenAskedForNext()
    {
        _source.Get(_pool);
        _source.Gap();
        Assert.Equal(1, _store.Reads);
        _store.Answer(new PoolGuardOverrides { CheckDelayMs = 7 });

        Assert.Equal(Seconds(0.007), _source.Get(_pool).CheckDelay);
    }

    [Fact]
    public void OptionsChanged_Override_StaysAndTheRestFollows()
    {
        List<PoolId> changed = [];
        _store.Answer(new PoolGuardOverrides { CheckDelayMs = 7 });
        _source.Get(_pool);
        _source.Changed += changed.Add;

        _options.Publish(new GuardOptions { FailFast = new FailFastOptions { CheckDelay = Seconds(9), CacheTtl = Seconds(4) } });

        Assert.Equal([_pool], changed);
        Assert.Equal(Seconds(0.007), _source.Get(_pool).CheckDelay);
        Assert.Equal(Seconds(4), _source.Get(_pool).CacheTtl);
        Assert.Equal(1, _store.Reads);
    }

    [Fact]
    public void OptionsChanged_NothingForPools_TellsNobody()
    {
        List<PoolId> changed = [];
        _source.Get(_pool);
        _source.Changed += changed.Add;

        _options.Publish(new GuardOptions { ExposeErrors = true });

        Assert.Empty(changed);
    }

    [Fact]
    public void Get_Hit_AllocatesNothing()
    {
        _source.Get(_pool);
        for (var i = 0; i < 1000; i++)
        {
            _source.Get(_pool);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            _source.Get(_pool);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    private TaskCompletionSource<PoolConfig?> Park()
    {
        var parked = new TaskCompletionSource<PoolConfig?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _store.OnGet = _ => new(parked.Task);
        return parked;
    }
}
