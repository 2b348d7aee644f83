using Guard.Core.Options;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.Tests.State.Pools;

public sealed class PoolHealthTrackerTests : IDisposable
{
    private readonly PoolHealthFixture _f = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _f.Dispose();

    [Fact]
    public async Task ReadAsync_WithinTtl_ReadsTheStoreOnce()
    {
        _f.Store.Answer(_f.Red(5));

        Assert.Equal(_f.Red(5), await _f.ReadAsync());
        _f.Time.Advance(PoolHealthFixture.Ttl - TimeSpan.FromMilliseconds(1));
        Assert.Equal(_f.Red(5), await _f.ReadAsync());

        Assert.Equal(1, _f.Store.Reads);
    }

    [Fact]
    public async Task ReadAsync_AtTtl_ReadsAgain()
    {
        await _f.ReadAsync();
        _f.Time.Advance(PoolHealthFixture.Ttl);
        await _f.ReadAsync();

        Assert.Equal(2, _f.Store.Reads);
    }

    [Fact]
    public async Task ReadAsync_TtlOfZero_ReadsEachTime()
    {
        await _f.ReadAsync(TimeSpan.Zero);
        await _f.ReadAsync(TimeSpan.Zero);

        Assert.Equal(2, _f.Store.Reads);
    }

    [Fact]
    public async Task ReadAsync_SlowRead_CountsItsAgeFromWhenItWasIssued()
    {
        var parked = _f.Store.Park();
        var read = _f.ReadAsync();
        _f.Time.Advance(TimeSpan.FromMilliseconds(900));
        parked.SetResult(_f.Green(1));
        await read.AsTask().WaitAsync(TimeSpan.FromSeconds(10), Cancelled);

        Assert.True(_f.Tracker.TryGetFresh(_f.Pool, TimeSpan.FromMilliseconds(901), out _));
        Assert.False(_f.Tracker.TryGetFresh(_f.Pool, TimeSpan.FromMilliseconds(900), out _));
    }

    [Fact]
    public async Task ReadAsync_ManyAtOnce_ShareOneRead()
    {
        var parked = _f.Store.Park();
        var reads = Enumerable.Range(0, 1000).Select(_ => _f.ReadAsync().AsTask()).ToArray();

        parked.SetResult(_f.Red(1));
        var results = await Task.WhenAll(reads).WaitAsync(TimeSpan.FromSeconds(10), Cancelled);

        Assert.All(results, r => Assert.Equal(_f.Red(1), r));
        Assert.Equal(1, _f.Store.Reads);
    }

    [Fact]
    public async Task ReadAsync_FromManyThreads_ShareOneRead()
    {
        var parked = _f.Store.Park();
        using var barrier = new Barrier(8);
        var callers = Enumerable.Range(0, 8).Select(_ => Task.Factory.StartNew(
            () =>
            {
                barrier.SignalAndWait(Cancelled);
                return _f.ReadAsync().AsTask();
            },
            Cancelled,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)).ToArray();
        var reads = await Task.WhenAll(callers).WaitAsync(TimeSpan.FromSeconds(10), Cancelled);

        parked.SetResult(_f.Red(1));
        await Task.WhenAll(reads).WaitAsync(TimeSpan.FromSeconds(10), Cancelled);

        Assert.Equal(1, _f.Store.Reads);
    }

    [Fact]
    public async Task ReadAsync_FirstCallerCancels_OthersStillGetTheResult()
    {
        var parked = _f.Store.Park();
        using var gone = new CancellationTokenSource();
        var first = _f.Tracker.ReadAsync(_f.Pool, PoolHealthFixture.Ttl, gone.Token).AsTask();
        var second = _f.ReadAsync().AsTask();

        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.WaitAsync(TimeSpan.FromSeconds(10), Cancelled));
        parked.SetResult(_f.Red(1));

        Assert.Equal(_f.Red(1), await second.WaitAsync(TimeSpan.FromSeconds(10), Cancelled));
        Assert.Equal(1, _f.Store.Reads);
    }

    [Fact]
    public async Task ReadAsync_AlreadyCancelled_ReadsNothing()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await _f.Tracker.ReadAsync(_f.Pool, PoolHealthFixture.Ttl, new CancellationToken(true)));

        Assert.Equal(0, _f.Store.Reads);
    }

    [Theory]
    [InlineData(StoreFailure.Away)]
    [InlineData(StoreFailure.Rejected)]
    [InlineData(StoreFailure.Unreadable)]
    public async Task ReadAsync_StoreFails_IsUnknownAndCounted(object kind)
    {
        _f.Store.Fail(new StoreException((StoreFailure)kind, "down"));

        Assert.Equal(PoolHealthSnapshot.Unknown(_f.Pool), await _f.ReadAsync());
        Assert.Contains("guard_pool_health_reads_total{result=\"failed\"} 1", await _f.ScrapeAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_StoreThrowsAtOnce_IsUnknown()
    {
        _f.Store.OnRead = (_, _) => throw new InvalidOperationException("bug");

        Assert.Equal(PoolHealthSnapshot.Unknown(_f.Pool), await _f.ReadAsync());
    }

    [Fact]
    public async Task ReadAsync_StoreHangs_IsUnknownAfterASecond()
    {
        CancellationToken seen = default;
        var never = new TaskCompletionSource<PoolHealthSnapshot>();
        _f.Store.OnRead = (_, token) =>
        {
            seen = token;
            return new(never.Task);
        };
        var read = _f.ReadAsync().AsTask();

        _f.Time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.False(read.IsCompleted);
        _f.Time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(PoolHealthSnapshot.Unknown(_f.Pool), await read.WaitAsync(TimeSpan.FromSeconds(10), Cancelled));
        Assert.True(seen.IsCancellationRequested);
    }

    [Fact]
    public async Task ReadAsync_FailureOfARedPool_IsGreenForThatReadAndKeepsWhatIsHeld()
    {
        _f.Store.Answer(_f.Red(5));
        await _f.ReadAsync();
        _f.Time.Advance(PoolHealthFixture.Ttl);
        _f.Store.Fail(new StoreException(StoreFailure.Away, "down"));

        Assert.False((await _f.ReadAsync()).IsRed);

        // The failure turned nothing green, in log or metrics, and a push in the same epoch still applies without a read.
        Assert.Single(_f.Log.Lines, l => l.Level >= LogLevel.Information);
        Assert.Contains("guard_pool_red{namespace=\"ns\",pool=\"pool\"} 1", await _f.ScrapeAsync(), StringComparison.Ordinal);
        var reads = _f.Store.Reads;
        _f.Tracker.PoolHealthChanged(_f.Red(6));
        Assert.Equal(_f.Red(6), await _f.ReadAsync());
        Assert.Equal(reads, _f.Store.Reads);
    }

    [Fact]
    public async Task ReadAsync_FailureIsReusedUpToTtl_ThenReadAgain()
    {
        _f.Store.Fail(new StoreException(StoreFailure.Away, "down"));
        await _f.ReadAsync();
        await _f.ReadAsync();
        Assert.Equal(1, _f.Store.Reads);

        _f.Time.Advance(PoolHealthFixture.Ttl);
        _f.Store.Answer(_f.Red(1));

        Assert.True((await _f.ReadAsync()).IsRed);
    }

    [Fact]
    public async Task PoolHealthChanged_SameEpochHigherSeq_AppliesWithoutARead()
    {
        _f.Store.Answer(_f.Green(1));
        await _f.ReadAsync();

        _f.Tracker.PoolHealthChanged(_f.Red(2));

        Assert.True(_f.Tracker.TryGetFresh(_f.Pool, PoolHealthFixture.Ttl, out var health));
        Assert.Equal(_f.Red(2), health);
        Assert.Equal(1, _f.Store.Reads);
        Assert.Equal([_f.Green(1), _f.Red(2)], _f.Observed);
    }

    [Theory]
    [InlineData(1, 4)]
    [InlineData(1, 5)]
    [InlineData(2, 6)]
    public async Task PoolHealthChanged_OtherEpochOrNotHigher_IsAHintToRead(ulong epoch, long seq)
    {
        _f.Store.Answer(_f.Green(5));
        await _f.ReadAsync();
        _f.Store.Answer(_f.Green(9, epoch: 9));

        _f.Tracker.PoolHealthChanged(_f.Red(seq, epoch));

        Assert.Equal(2, _f.Store.Reads);
        Assert.Equal(_f.Green(9, epoch: 9), await _f.ReadAsync());
    }

    [Fact]
    public async Task PoolHealthChanged_ExactlyWhatIsHeld_ReadsNothing()
    {
        _f.Store.Answer(_f.Red(5));
        await _f.ReadAsync();

        _f.Tracker.PoolHealthChanged(_f.Red(5));

        Assert.Equal(1, _f.Store.Reads);
    }

    [Fact]
    public void PoolHealthChanged_PoolNobodyAskedFor_IsReadAtOnce()
    {
        _f.Store.Answer(_f.Red(3));

        _f.Tracker.PoolHealthChanged(_f.Red(3));

        Assert.Equal(1, _f.Store.Reads);
        Assert.True(_f.Tracker.TryGetFresh(_f.Pool, PoolHealthFixture.Ttl, out var health));
        Assert.True(health.IsRed);
    }

    [Fact]
    public async Task PoolHealthChanged_PushOff_IsIgnored()
    {
        _f.Options.Publish(new GuardOptions { FailFast = new FailFastOptions { Push = false } });
        _f.Store.Answer(_f.Green(1));
        await _f.ReadAsync();

        _f.Tracker.PoolHealthChanged(_f.Red(2));
        _f.Tracker.PoolHealthChanged(_f.Red(2, epoch: 2));

        Assert.Equal(_f.Green(1), await _f.ReadAsync());
        Assert.Equal(1, _f.Store.Reads);
    }

    [Fact]
    public async Task ReadAsync_RecordLostOrRestored_ReplacesWhatIsHeld()
    {
        _f.Store.Answer(_f.Red(9));
        await _f.ReadAsync();

        foreach (var now in new[] { _f.Green(3), PoolHealthSnapshot.Unknown(_f.Pool), _f.Red(1, epoch: 4) })
        {
            _f.Time.Advance(PoolHealthFixture.Ttl);
            _f.Store.Answer(now);
            Assert.Equal(now, await _f.ReadAsync());
        }
    }

    [Fact]
    public async Task ReadAsync_PushOvertakesTheRead_KeepsTheHigherVersion()
    {
        _f.Store.Answer(_f.Green(1));
        await _f.ReadAsync();
        _f.Time.Advance(PoolHealthFixture.Ttl);
        var parked = _f.Store.Park();
        var read = _f.ReadAsync().AsTask();

        _f.Tracker.PoolHealthChanged(_f.Red(3));
        parked.SetResult(_f.Green(2));

        Assert.Equal(_f.Red(3), await read.WaitAsync(TimeSpan.FromSeconds(10), Cancelled));
        Assert.Equal(2, _f.Store.Reads);
    }

    [Fact]
    public async Task ReadAsync_PushOvertakenByTheRead_TakesTheRead()
    {
        _f.Store.Answer(_f.Green(1));
        await _f.ReadAsync();
        _f.Time.Advance(PoolHealthFixture.Ttl);
        var parked = _f.Store.Park();
        var read = _f.ReadAsync().AsTask();

        _f.Tracker.PoolHealthChanged(_f.Red(2));
        parked.SetResult(_f.Green(3));

        Assert.Equal(_f.Green(3), await read.WaitAsync(TimeSpan.FromSeconds(10), Cancelled));
    }

    [Fact]
    public async Task ReadAsync_FailsAfterAPushOvertookIt_KeepsThePush()
    {
        _f.Store.Answer(_f.Green(1));
        await _f.ReadAsync();
        _f.Time.Advance(PoolHealthFixture.Ttl);
        var parked = _f.Store.Park();
        var read = _f.ReadAsync().AsTask();

        _f.Tracker.PoolHealthChanged(_f.Red(2));
        parked.SetException(new StoreException(StoreFailure.Away, "down"));

        Assert.Equal(_f.Red(2), await read.WaitAsync(TimeSpan.FromSeconds(10), Cancelled));
    }

    [Fact]
    public async Task ReadAsync_ReadOfAnotherEpochThanAnOvertakingPush_IsReadOnceMore()
    {
        _f.Store.Answer(_f.Green(1));
        await _f.ReadAsync();
        _f.Time.Advance(PoolHealthFixture.Ttl);
        var parked = _f.Store.Park();
        var read = _f.ReadAsync().AsTask();

        _f.Tracker.PoolHealthChanged(_f.Red(2));
        _f.Store.Answer(_f.Green(1, epoch: 2));
        parked.SetResult(_f.Green(1, epoch: 2));
        await read.WaitAsync(TimeSpan.FromSeconds(10), Cancelled);
        await Eventually(() => _f.Store.Reads == 3 && _f.Tracker.TryGetFresh(_f.Pool, PoolHealthFixture.Ttl, out var h) && h.Epoch == 2);
    }

    [Fact]
    public async Task PoolHealthChanged_HintDuringARead_IsFollowedByAnotherRead()
    {
        var parked = _f.Store.Park();
        var read = _f.ReadAsync().AsTask();
        _f.Tracker.PoolHealthChanged(_f.Red(1));
        _f.Tracker.PoolHealthChanged(_f.Red(2));

        _f.Store.Answer(_f.Red(2));
        parked.SetResult(PoolHealthSnapshot.Unknown(_f.Pool));

        Assert.False((await read.WaitAsync(TimeSpan.FromSeconds(10), Cancelled)).IsRed);
        await Eventually(() => _f.Tracker.TryGetFresh(_f.Pool, PoolHealthFixture.Ttl, out var h) && h.IsRed);
        Assert.Equal(2, _f.Store.Reads);
    }

    [Fact]
    public async Task Gap_FreshAnswer_IsReadAgainWhenAskedFor()
    {
        await _f.ReadAsync();
        _f.Tracker.Gap();
        Assert.False(_f.Tracker.TryGetFresh(_f.Pool, PoolHealthFixture.Ttl, out _));

        await _f.ReadAsync();
        await _f.ReadAsync();

        Assert.Equal(2, _f.Store.Reads);
    }

    [Fact]
    public async Task Gap_RedPool_IsReadAtOnce()
    {
        _f.Store.Answer(_f.Red(1));
        await _f.ReadAsync();
        _f.Store.Answer(_f.Green(4));

        _f.Tracker.Gap();

        Assert.Equal(_f.Green(4), _f.Observed.Last());
    }

    [Fact]
    public async Task Review_RedPoolNobodyAsksFor_IsReadUntilItIsGreen()
    {
        _f.Store.Answer(_f.Red(1));
        await _f.ReadAsync();
        _f.Time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(2, _f.Store.Reads);

        _f.Store.Answer(_f.Green(2));
        _f.Time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(3, _f.Store.Reads);
        Assert.Contains("guard_pool_red{namespace=\"ns\",pool=\"pool\"} 0", await _f.ScrapeAsync(), StringComparison.Ordinal);

        _f.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(3, _f.Store.Reads);
    }

    [Fact]
    public async Task Review_RedForHours_IsNotForgotten()
    {
        _f.Store.Answer(_f.Red(1));
        await _f.ReadAsync();
        for (var i = 0; i < 3 * 240; i++)
        {
            _f.Time.Advance(TimeSpan.FromSeconds(15));
        }

        _f.Store.Answer(_f.Green(2));
        _f.Time.Advance(TimeSpan.FromSeconds(15));

        // The cache looks for expired entries on a thread of its own, and with the fake clock that thread may be the one that fires timers.
        await Eventually(() => _f.Log.Lines.Count(l => l.Level >= LogLevel.Information) == 2);
    }

    [Fact]
    public async Task Colour_ChangesAndRepeats_AreReportedOncePerChange()
    {
        foreach (var health in new[] { _f.Green(1), _f.Red(2), _f.Red(3), _f.Green(6), _f.Green(7), _f.Red(8) })
        {
            _f.Store.Answer(health);
            await _f.ReadAsync(TimeSpan.Zero);
        }

        var lines = _f.Log.Lines.Where(l => l.Level >= LogLevel.Information).ToList();
        Assert.Equal([LogLevel.Warning, LogLevel.Information, LogLevel.Warning], lines.Select(l => l.Level));
        Assert.Contains("answered 500", lines[0].Text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret body", lines[0].Text, StringComparison.Ordinal);
        Assert.Contains("successes", lines[1].Text, StringComparison.Ordinal);
        var metrics = await _f.ScrapeAsync();
        Assert.Contains("guard_pool_red{namespace=\"ns\",pool=\"pool\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("guard_pool_transitions_total{namespace=\"ns\",pool=\"pool\",to=\"red\"} 2", metrics, StringComparison.Ordinal);
        Assert.Contains("guard_pool_transitions_total{namespace=\"ns\",pool=\"pool\",to=\"green\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("guard_pool_health_reads_total{result=\"ok\"} 6", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Observed_ThrowingObserver_DoesNotSilenceThePool()
    {
        _f.Tracker.Observed += _ => throw new InvalidOperationException("bug");
        _f.Store.Answer(_f.Green(1));
        await _f.ReadAsync();

        _f.Tracker.PoolHealthChanged(_f.Red(2));

        Assert.Equal([_f.Green(1), _f.Red(2)], _f.Observed);
    }

    [Fact]
    public async Task Observed_PushesFromManyThreads_AreHeardInOrderAndEndWithTheNewest()
    {
        _f.Store.Answer(_f.Green(0));
        await _f.ReadAsync();
        _f.Store.OnRead = (_, _) => new(_f.Green(10_000));
        var threads = Enumerable.Range(0, 4).Select(t => Task.Factory.StartNew(
            () =>
            {
                for (var seq = t + 1; seq <= 2000; seq += 4)
                {
                    _f.Tracker.PoolHealthChanged(seq % 2 == 0 ? _f.Green(seq) : _f.Red(seq));
                }
            },
            Cancelled,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default));
        await Task.WhenAll(threads).WaitAsync(TimeSpan.FromSeconds(10), Cancelled);

        await Eventually(() => _f.Observed.LastOrDefault() is { } last && last.Seq >= 2000);
        Assert.Equal(_f.Observed.Select(h => h.Seq).Order(), _f.Observed.Select(h => h.Seq));
    }

    [Fact]
    public async Task TryGetFresh_Hit_AllocatesNothing()
    {
        await _f.ReadAsync();
        var found = 0;
        for (var i = 0; i < 1000; i++)
        {
            found += _f.Tracker.TryGetFresh(_f.Pool, PoolHealthFixture.Ttl, out _) ? 1 : 0;
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            found += _f.Tracker.TryGetFresh(_f.Pool, PoolHealthFixture.Ttl, out _) ? 1 : 0;
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(2000, found);
        Assert.Equal(0, allocated);
    }

    /// <summary>For the rest of a read that goes on after its callers were answered: bounded, and without waiting on a clock.</summary>
    private static async Task Eventually(Func<bool> condition)
    {
        for (var i = 0; i < 1_000_000 && !condition(); i++)
        {
            await Task.Yield();
        }

        Assert.True(condition());
    }
}
