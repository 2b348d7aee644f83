using System.Threading.Channels;
using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Storage.Tests;

/// <summary>
/// What every <see cref="IPoolHealthStore"/> does. A store's own test class derives from this and says how to make one and how time passes
/// in it. Times are short enough to be waited for where the clock cannot be moved.
/// </summary>
public abstract class PoolHealthStoreContract
{
    private static readonly PoolError Error = new(PoolErrorKind.ServerlessHttpError, 500, "oops");

    /// <summary>Long enough that nothing else in a test takes so long.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly PoolId _pool = new("ns", $"pool-{Guid.NewGuid():N}");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>Makes a store. Called several times, the stores share one clock but may share their records or not.</summary>
    private protected abstract StoreUnderTest Create(LiveOptions options);

    /// <summary>Lets so much time pass for the stores made.</summary>
    private protected abstract Task AdvanceAsync(TimeSpan time);

    [Fact]
    public async Task Read_NobodyReported_IsUnknown()
    {
        var (store, _) = Create(Options());

        Assert.Equal(PoolHealthSnapshot.Unknown(_pool), await store.ReadAsync(_pool, Cancelled));
    }

    [Fact]
    public async Task ReportError_Default_TurnsRedAndIsRead()
    {
        var (store, _) = Create(Options());

        var reported = await store.ReportErrorAsync(_pool, Error, Cancelled);

        Assert.True(reported.IsRed);
        Assert.Equal(_pool, reported.Pool);
        Assert.Equal(Error, reported.ActiveError!.Error);
        Assert.Equal(1, reported.Seq);
        Assert.Equal(1, reported.ActiveError.Seq);
        Assert.Equal(reported.RedSince, reported.ActiveError.Timestamp);
        Assert.NotEqual(0UL, reported.Epoch);
        Assert.True(reported.Epoch < 1UL << 53, "an epoch must survive a JSON number");
        Assert.Equal(reported, await store.ReadAsync(_pool, Cancelled));
    }

    [Fact]
    public async Task OpenProbe_FromGrantToEndOfARedPool_ItsId()
    {
        var (store, _) = Create(Options());
        Assert.Equal(0, await store.OpenProbeAsync(_pool, Cancelled));
        await store.ReportErrorAsync(_pool, Error, Cancelled);
        Assert.Equal(0, await store.OpenProbeAsync(_pool, Cancelled));

        var probe = await store.TryGrantProbeAsync(_pool, Interval, Cancelled);
        Assert.Equal(probe.ProbeId, await store.OpenProbeAsync(_pool, Cancelled));

        await store.EndProbeAsync(_pool, probe.ProbeId, false, Cancelled);
        Assert.Equal(0, await store.OpenProbeAsync(_pool, Cancelled));
    }

    [Fact]
    public async Task ReadMany_SeveralPools_EachAsReadAlone()
    {
        var (store, _) = Create(Options());
        var pools = Enumerable.Range(0, 5).Select(i => new PoolId(i < 3 ? "ns" : "other", $"p{i}-{Guid.NewGuid():N}")).ToArray();
        await store.ReportErrorAsync(pools[1], Error, Cancelled);
        await store.ReportSuccessAsync(pools[3], Cancelled);

        var all = await store.ReadManyAsync(pools, Cancelled);

        Assert.Equal(pools, all.Select(h => h.Pool));
        Assert.Equal([false, true, false, false, false], all.Select(h => h.IsRed));
        for (var i = 0; i < pools.Length; i++)
        {
            Assert.Equal(await store.ReadAsync(pools[i], Cancelled), all[i]);
        }

        Assert.Empty(await store.ReadManyAsync([], Cancelled));
    }

    [Fact]
    public async Task ReportError_TripOfThree_TurnsRedAtTheThird()
    {
        var (store, _) = Create(Options(trip: 3));
        Assert.False((await store.ReportErrorAsync(_pool, Error, Cancelled)).IsRed);
        var second = await store.ReportErrorAsync(_pool, Error, Cancelled);
        Assert.False(second.IsRed);
        Assert.NotNull(second.ActiveError);

        Assert.True((await store.ReportErrorAsync(_pool, Error, Cancelled)).IsRed);
    }

    [Fact]
    public async Task ReportError_LongMessages_AreCutAtACharacter()
    {
        var (store, _) = Create(Options());
        var error = new PoolError(PoolErrorKind.ServerlessInvalidSsePayload, Message: "x" + new string('é', 300), RawPayload: new string('a', 513));

        var read = (await store.ReportErrorAsync(_pool, error, Cancelled)).ActiveError!.Error;

        Assert.Equal("x" + new string('é', 255), read.Message);
        Assert.Equal(new string('a', 512), read.RawPayload);
    }

    [Fact]
    public async Task ReportError_EveryKind_IsReadAsItWas()
    {
        var (store, _) = Create(Options());
        foreach (var error in new PoolError[]
        {
            new(PoolErrorKind.ServerlessHttpError, 404, "quote \" backslash \\ nul \0 é 😀"),
            new(PoolErrorKind.ServerlessStreamEndedEarly),
            new(PoolErrorKind.ServerlessConnectionError, Message: ""),
            new(PoolErrorKind.ServerlessInvalidSsePayload, Message: "m"),
            new(PoolErrorKind.ServerlessInvalidSsePayload, Message: "m", RawPayload: "p"),
            new(PoolErrorKind.Downgrade),
            new(PoolErrorKind.InternalError),
        })
        {
            await store.ReportErrorAsync(_pool, error, Cancelled);
            Assert.Equal(error, (await store.ReadAsync(_pool, Cancelled)).ActiveError!.Error);
        }
    }

    [Fact]
    public async Task ReportSuccess_EnoughInARow_TurnsGreen()
    {
        var (store, _) = Create(Options());
        var red = await store.ReportErrorAsync(_pool, Error, Cancelled);
        for (var i = 1; i <= 2; i++)
        {
            var health = await store.ReportSuccessAsync(_pool, Cancelled);
            Assert.True(health.IsRed);
            Assert.Equal(i, health.ConsecutiveSuccesses);
            Assert.Equal(red.ActiveError, health.ActiveError);
            Assert.Equal(red.RedSince, health.RedSince);
        }

        var green = await store.ReportSuccessAsync(_pool, Cancelled);

        Assert.Equal(new PoolHealthSnapshot(_pool, red.Epoch, 4, false, null, 3, 0), green);
        Assert.Equal(3, (await store.ReportSuccessAsync(_pool, Cancelled)).ConsecutiveSuccesses);
    }

    [Fact]
    public async Task ReportSuccess_ErrorBetween_StartsTheRunAnew()
    {
        var (store, _) = Create(Options());
        await store.ReportErrorAsync(_pool, Error, Cancelled);
        await store.ReportSuccessAsync(_pool, Cancelled);
        await store.ReportSuccessAsync(_pool, Cancelled);
        Assert.Equal(0, (await store.ReportErrorAsync(_pool, Error, Cancelled)).ConsecutiveSuccesses);
        await store.ReportSuccessAsync(_pool, Cancelled);

        Assert.True((await store.ReportSuccessAsync(_pool, Cancelled)).IsRed);
    }

    [Fact]
    public async Task ReportSuccess_FirstReportEver_MakesARecord()
    {
        var (store, _) = Create(Options());

        var health = await store.ReportSuccessAsync(_pool, Cancelled);

        Assert.NotEqual(0UL, health.Epoch);
        Assert.Equal(1, health.Seq);
        Assert.Equal(1, health.ConsecutiveSuccesses);
    }

    [Fact]
    public async Task Read_ErrorExpired_IsGreenWithAHigherVersion()
    {
        var (store, _) = Create(Options(ttl: Interval));
        var red = await store.ReportErrorAsync(_pool, Error, Cancelled);
        await AdvanceAsync(Interval);

        var green = await store.ReadAsync(_pool, Cancelled);

        Assert.Equal(new PoolHealthSnapshot(_pool, red.Epoch, 2, false, null, 0, 0), green);
        Assert.Equal(green, await store.ReadAsync(_pool, Cancelled));
    }

    [Fact]
    public async Task ReportError_AfterExpiry_CountsAnew()
    {
        var (store, _) = Create(Options(trip: 2, ttl: Interval));
        await store.ReportErrorAsync(_pool, Error, Cancelled);
        await AdvanceAsync(Interval);

        var health = await store.ReportErrorAsync(_pool, Error, Cancelled);

        Assert.False(health.IsRed);
        Assert.Equal(3, health.Seq);
    }

    [Fact]
    public async Task Options_ChangedAtRunTime_CountFromTheNextCall()
    {
        var options = Options(trip: 5);
        var (store, _) = Create(options);
        await store.ReportErrorAsync(_pool, Error, Cancelled);
        options.Publish(new GuardOptions { PoolHealth = new PoolHealthOptions { ErrorsToTrip = 2, SuccessesToClear = 1 } });

        Assert.True((await store.ReportErrorAsync(_pool, Error, Cancelled)).IsRed);
        Assert.False((await store.ReportSuccessAsync(_pool, Cancelled)).IsRed);
    }

    [Fact]
    public async Task Changes_OfColourErrorAndRecovery_AreToldAndNothingElse()
    {
        var (store, changes) = Create(Options(trip: 2));
        List<PoolHealthSnapshot> expected = [];
        await store.ReportSuccessAsync(_pool, Cancelled);
        expected.Add(await store.ReportErrorAsync(_pool, Error, Cancelled));
        expected.Add(await store.ReportErrorAsync(_pool, Error, Cancelled));
        expected.Add(await store.ReportErrorAsync(_pool, Error, Cancelled));
        await store.ReadAsync(_pool, Cancelled);
        var probe = await store.TryGrantProbeAsync(_pool, Interval, Cancelled);
        await store.EndProbeAsync(_pool, probe.ProbeId, true, Cancelled);
        expected.Add(await store.ReportSuccessAsync(_pool, Cancelled));
        expected.Add(await store.ReportSuccessAsync(_pool, Cancelled));
        expected.Add(await store.ReportSuccessAsync(_pool, Cancelled));
        await store.ReportSuccessAsync(_pool, Cancelled);
        expected.Add(await store.ReportErrorAsync(_pool, Error, Cancelled));

        foreach (var change in expected)
        {
            Assert.Equal(change, await changes.ReadAsync(Cancelled).AsTask().WaitAsync(TimeSpan.FromSeconds(10), Cancelled));
        }

        Assert.False(changes.TryRead(out _));
    }

    [Fact]
    public async Task Changes_ExpiryFoundByARead_IsTold()
    {
        var (store, changes) = Create(Options(ttl: Interval));
        await store.ReportErrorAsync(_pool, Error, Cancelled);
        await AdvanceAsync(Interval);
        var green = await store.ReadAsync(_pool, Cancelled);

        Assert.True((await changes.ReadAsync(Cancelled).AsTask().WaitAsync(TimeSpan.FromSeconds(10), Cancelled)).IsRed);
        Assert.Equal(green, await changes.ReadAsync(Cancelled).AsTask().WaitAsync(TimeSpan.FromSeconds(10), Cancelled));
    }

    [Fact]
    public async Task Pools_OfOneNameInTwoNamespaces_AreApart()
    {
        var (store, _) = Create(Options());
        var other = new PoolId("other", _pool.Name);

        await store.ReportErrorAsync(_pool, Error, Cancelled);

        Assert.False((await store.ReadAsync(other, Cancelled)).IsRed);
    }

    [Fact]
    public async Task TryGrantProbe_GreenOrUnknown_GrantsNothing()
    {
        var (store, _) = Create(Options());
        Assert.Equal(new ProbeGrant(0, PoolHealthSnapshot.Unknown(_pool), TimeSpan.Zero), await store.TryGrantProbeAsync(_pool, Interval, Cancelled));

        var green = await store.ReportSuccessAsync(_pool, Cancelled);

        Assert.Equal(new ProbeGrant(0, green, TimeSpan.Zero), await store.TryGrantProbeAsync(_pool, Interval, Cancelled));
    }

    [Fact]
    public async Task TryGrantProbe_Red_OncePerInterval()
    {
        var (store, _) = Create(Options());
        var red = await store.ReportErrorAsync(_pool, Error, Cancelled);

        var first = await store.TryGrantProbeAsync(_pool, Interval, Cancelled);
        var second = await store.TryGrantProbeAsync(_pool, Interval, Cancelled);
        Assert.True(first.IsGranted);
        Assert.Equal(red, first.Health);
        Assert.False(second.IsGranted);
        Assert.Equal(red, second.Health);
        Assert.InRange(second.RetryAfter, TimeSpan.FromMilliseconds(1), Interval);

        // Nobody ended the first: its Guard died.
        await AdvanceAsync(Interval);
        var third = await store.TryGrantProbeAsync(_pool, Interval, Cancelled);
        Assert.True(third.IsGranted);
        Assert.NotEqual(first.ProbeId, third.ProbeId);
    }

    [Fact]
    public async Task TryGrantProbe_ManyAtOnce_GrantsOne()
    {
        var (store, _) = Create(Options());
        await store.ReportErrorAsync(_pool, Error, Cancelled);

        var grants = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Task.Run(
            async () => await store.TryGrantProbeAsync(_pool, Interval, Cancelled), Cancelled))).WaitAsync(TimeSpan.FromSeconds(10), Cancelled);

        Assert.Single(grants, g => g.IsGranted);
    }

    [Fact]
    public async Task TryGrantProbe_LastEndedWithoutSuccess_WaitsForTheInterval()
    {
        var (store, _) = Create(Options());
        await store.ReportErrorAsync(_pool, Error, Cancelled);
        var first = await store.TryGrantProbeAsync(_pool, Interval, Cancelled);
        await store.ReportSuccessAsync(_pool, Cancelled);
        await store.EndProbeAsync(_pool, first.ProbeId, success: false, Cancelled);

        Assert.False((await store.TryGrantProbeAsync(_pool, Interval, Cancelled)).IsGranted);
        await AdvanceAsync(Interval);
        Assert.True((await store.TryGrantProbeAsync(_pool, Interval, Cancelled)).IsGranted);
    }

    [Fact]
    public async Task TryGrantProbe_SuccessAndEnded_IsGrantedAtOnce()
    {
        var (store, _) = Create(Options());
        await store.ReportErrorAsync(_pool, Error, Cancelled);
        var first = await store.TryGrantProbeAsync(_pool, Interval, Cancelled);
        await store.ReportSuccessAsync(_pool, Cancelled);
        Assert.False((await store.TryGrantProbeAsync(_pool, Interval, Cancelled)).IsGranted);

        await store.EndProbeAsync(_pool, first.ProbeId, success: true, Cancelled);

        Assert.True((await store.TryGrantProbeAsync(_pool, Interval, Cancelled)).IsGranted);
        Assert.False((await store.TryGrantProbeAsync(_pool, Interval, Cancelled)).IsGranted);
    }

    [Fact]
    public async Task TryGrantProbe_ErrorAfterTheSuccess_WaitsForTheInterval()
    {
        var (store, _) = Create(Options());
        await store.ReportErrorAsync(_pool, Error, Cancelled);
        var first = await store.TryGrantProbeAsync(_pool, Interval, Cancelled);
        await store.ReportSuccessAsync(_pool, Cancelled);
        await store.ReportErrorAsync(_pool, Error, Cancelled);
        await store.EndProbeAsync(_pool, first.ProbeId, success: true, Cancelled);

        Assert.False((await store.TryGrantProbeAsync(_pool, Interval, Cancelled)).IsGranted);
    }

    [Fact]
    public async Task EndProbe_OlderOrUnknown_ChangesNothing()
    {
        var (store, _) = Create(Options());
        await store.EndProbeAsync(_pool, 1, success: true, Cancelled);
        await store.ReportErrorAsync(_pool, Error, Cancelled);
        var first = await store.TryGrantProbeAsync(_pool, Interval, Cancelled);
        await AdvanceAsync(Interval);
        await store.TryGrantProbeAsync(_pool, Interval, Cancelled);
        await store.ReportSuccessAsync(_pool, Cancelled);

        await store.EndProbeAsync(_pool, first.ProbeId, success: true, Cancelled);

        Assert.False((await store.TryGrantProbeAsync(_pool, Interval, Cancelled)).IsGranted);
    }

    [Fact]
    public async Task Reports_FromManyThreads_AreAllCounted()
    {
        var (store, _) = Create(Options());
        await Task.WhenAll(Enumerable.Range(0, 8).Select(t => Task.Run(
            async () =>
            {
                for (var i = 0; i < 50; i++)
                {
                    await (t % 2 == 0 ? store.ReportErrorAsync(_pool, Error, Cancelled) : store.ReportSuccessAsync(_pool, Cancelled));
                }
            },
            Cancelled))).WaitAsync(TimeSpan.FromSeconds(30), Cancelled);

        Assert.Equal(400, (await store.ReadAsync(_pool, Cancelled)).Seq);
    }

    [Fact]
    public async Task AnyCall_AlreadyCancelled_ChangesNothing()
    {
        var (store, _) = Create(Options());
        var cancelled = new CancellationToken(true);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await store.ReportErrorAsync(_pool, Error, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await store.ReportSuccessAsync(_pool, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await store.ReadAsync(_pool, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await store.TryGrantProbeAsync(_pool, Interval, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await store.EndProbeAsync(_pool, 1, true, cancelled));

        Assert.Equal(PoolHealthSnapshot.Unknown(_pool), await store.ReadAsync(_pool, Cancelled));
    }

    private static LiveOptions Options(int trip = 1, TimeSpan? ttl = null) => new(new GuardOptions
    {
        PoolHealth = new PoolHealthOptions { ErrorsToTrip = trip, ErrorTtl = ttl ?? TimeSpan.FromMinutes(15) },
    });

    /// <param name="Store">The store.</param>
    /// <param name="Changes">What it told the change feed, of pools named by the test that made it.</param>
    private protected sealed record StoreUnderTest(IPoolHealthStore Store, ChannelReader<PoolHealthSnapshot> Changes);
}
