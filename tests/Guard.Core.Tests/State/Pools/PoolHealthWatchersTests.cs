using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Core.Tests.State.Pools;

public sealed class PoolHealthWatchersTests : IDisposable
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(2);
    private readonly PoolHealthFixture _f = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _f.Dispose();

    [Fact]
    public void Watch_ThousandsOfObservers_OneReadPerIntervalAndAllHear()
    {
        var observers = Enumerable.Range(0, 5000).Select(_ => new RecordingObserver()).ToList();
        foreach (var observer in observers)
        {
            _f.Watchers.Watch(_f.Pool, observer.HealthObserved);
        }

        _f.Store.Answer(_f.Red(1));
        for (var i = 1; i <= 5; i++)
        {
            _f.Time.Advance(Poll);
            Assert.Equal(i, _f.Store.Reads);
        }

        Assert.All(observers, o => Assert.Equal(5, o.Heard.Count));
    }

    [Fact]
    public void Watch_BeforeTheFirstInterval_ReadsNothing()
    {
        _f.Watchers.Watch(_f.Pool, new RecordingObserver().HealthObserved);
        _f.Time.Advance(Poll - TimeSpan.FromMilliseconds(1));

        Assert.Equal(0, _f.Store.Reads);
    }

    [Fact]
    public void Watch_SeveralPools_AreReadEach()
    {
        var other = new PoolId("ns", "other");
        var observer = new RecordingObserver();
        _f.Watchers.Watch(_f.Pool, new RecordingObserver().HealthObserved);
        _f.Watchers.Watch(other, observer.HealthObserved);

        _f.Time.Advance(Poll);

        Assert.Equal(2, _f.Store.Reads);
        Assert.Equal(PoolHealthSnapshot.Unknown(other), Assert.Single(observer.Heard));
    }

    [Fact]
    public async Task Push_WhileWatched_IsHeardAtOnce()
    {
        _f.Store.Answer(_f.Green(1));
        await _f.ReadAsync();
        var observers = Enumerable.Range(0, 3).Select(_ => new RecordingObserver()).ToList();
        observers.ForEach(o => _f.Watchers.Watch(_f.Pool, o.HealthObserved));

        _f.Tracker.PoolHealthChanged(_f.Red(2));

        Assert.All(observers, o => Assert.Equal(_f.Red(2), Assert.Single(o.Heard)));
        Assert.Equal(1, _f.Store.Reads);
    }

    [Fact]
    public void Push_FirstErrorOfAPoolEver_IsHeardAtOnceThroughOneRead()
    {
        var observer = new RecordingObserver();
        _f.Watchers.Watch(_f.Pool, observer.HealthObserved);
        _f.Store.Answer(_f.Red(1));

        _f.Tracker.PoolHealthChanged(_f.Red(1));

        Assert.Equal(_f.Red(1), Assert.Single(observer.Heard));
        Assert.Equal(1, _f.Store.Reads);
    }

    [Fact]
    public void Push_Off_IsHeardWithTheNextRead()
    {
        _f.Options.Publish(new GuardOptions { FailFast = new FailFastOptions { Push = false } });
        var observer = new RecordingObserver();
        _f.Watchers.Watch(_f.Pool, observer.HealthObserved);
        _f.Store.Answer(_f.Red(1));

        _f.Tracker.PoolHealthChanged(_f.Red(1));
        Assert.Empty(observer.Heard);
        _f.Time.Advance(Poll);

        Assert.True(Assert.Single(observer.Heard).IsRed);
    }

    [Fact]
    public async Task Poll_FreshFromAnotherRead_ReadsNothingUntilTheCacheIsOld()
    {
        _f.Watchers.Watch(_f.Pool, new RecordingObserver().HealthObserved);
        _f.Time.Advance(TimeSpan.FromSeconds(1));
        await _f.ReadAsync();

        _f.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, _f.Store.Reads);
        _f.Time.Advance(Poll);
        Assert.Equal(2, _f.Store.Reads);
    }

    [Fact]
    public void Poll_StoreDown_IsHeardAsUnknownAndThenAsItIs()
    {
        var observer = new RecordingObserver();
        _f.Watchers.Watch(_f.Pool, observer.HealthObserved);
        _f.Store.Answer(_f.Red(1));
        _f.Time.Advance(Poll);
        _f.Store.Fail(new StoreException(StoreFailure.Away, "down"));
        _f.Time.Advance(Poll);
        _f.Store.Answer(_f.Red(1));
        _f.Time.Advance(Poll);

        Assert.Equal([true, false, true], observer.Heard.Select(h => h.IsRed));
    }

    [Fact]
    public async Task Poll_StoreHangs_BlocksNoThreadAndGoesOn()
    {
        var observer = new RecordingObserver();
        _f.Watchers.Watch(_f.Pool, observer.HealthObserved);
        _f.Store.Park();
        _f.Time.Advance(Poll);
        _f.Time.Advance(TimeSpan.FromSeconds(1));
        await Eventually(() => observer.Heard.Count == 1);

        _f.Store.Answer(_f.Red(1));
        _f.Time.Advance(TimeSpan.FromSeconds(1));

        // The unknown of the read issued at 2 s is 2 s old.
        await Eventually(() => observer.Heard.Count == 2);
        Assert.Equal([false, true], observer.Heard.Select(h => h.IsRed));
    }

    [Fact]
    public void Dispose_LastObserver_EndsTheTimer()
    {
        var first = _f.Watchers.Watch(_f.Pool, new RecordingObserver().HealthObserved);
        var second = _f.Watchers.Watch(_f.Pool, new RecordingObserver().HealthObserved);
        Assert.Equal(1, _f.Watchers.Count);

        first.Dispose();
        first.Dispose();
        _f.Time.Advance(Poll);
        Assert.Equal(1, _f.Store.Reads);

        second.Dispose();
        Assert.Equal(0, _f.Watchers.Count);
        _f.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, _f.Store.Reads);
    }

    [Fact]
    public void Dispose_OneOfMany_IsNotToldAnyMore()
    {
        var observers = Enumerable.Range(0, 100).Select(_ => new RecordingObserver()).ToList();
        var watches = observers.ConvertAll(o => _f.Watchers.Watch(_f.Pool, o.HealthObserved));
        for (var i = 0; i < 100; i += 3)
        {
            watches[i].Dispose();
        }

        _f.Time.Advance(Poll);

        Assert.All(observers.Select((o, i) => (o, i)), x => Assert.Equal(x.i % 3 == 0 ? 0 : 1, x.o.Heard.Count));
    }

    [Fact]
    public void Watch_AfterTheLastLeft_StartsAnew()
    {
        _f.Watchers.Watch(_f.Pool, new RecordingObserver().HealthObserved).Dispose();
        var observer = new RecordingObserver();
        _f.Watchers.Watch(_f.Pool, observer.HealthObserved);

        _f.Time.Advance(Poll);

        Assert.Single(observer.Heard);
    }

    [Fact]
    public void Observer_Throws_OthersStillHear()
    {
        var observer = new RecordingObserver();
        _f.Watchers.Watch(_f.Pool, new ThrowingObserver().HealthObserved);
        _f.Watchers.Watch(_f.Pool, observer.HealthObserved);

        _f.Time.Advance(Poll);
        _f.Time.Advance(Poll);

        Assert.Equal(2, observer.Heard.Count);
    }

    [Fact]
    public void Observer_EndsItsWatchWhileBeingTold_IsHarmless()
    {
        var observer = new LeavingObserver();
        observer.Watch = _f.Watchers.Watch(_f.Pool, observer.HealthObserved);

        _f.Time.Advance(Poll);
        _f.Time.Advance(Poll);

        Assert.Equal(1, observer.Told);
        Assert.Equal(0, _f.Watchers.Count);
    }

    [Fact]
    public void PollInterval_ShortenedAtRunTime_CountsWhatHasPassed()
    {
        _f.Watchers.Watch(_f.Pool, new RecordingObserver().HealthObserved);
        _f.Time.Advance(TimeSpan.FromMilliseconds(400));

        _f.Options.Publish(Polling(TimeSpan.FromMilliseconds(500)));
        _f.Time.Advance(TimeSpan.FromMilliseconds(99));
        Assert.Equal(0, _f.Store.Reads);
        _f.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, _f.Store.Reads);
        _f.Time.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal(2, _f.Store.Reads);
    }

    [Fact]
    public void PollInterval_ShortenedBelowWhatHasPassed_ReadsAtOnce()
    {
        _f.Watchers.Watch(_f.Pool, new RecordingObserver().HealthObserved);
        _f.Time.Advance(TimeSpan.FromSeconds(1));

        _f.Options.Publish(Polling(TimeSpan.FromMilliseconds(500)));
        _f.Time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(1, _f.Store.Reads);
    }

    [Fact]
    public void PollInterval_LengthenedAtRunTime_ReadsLater()
    {
        _f.Watchers.Watch(_f.Pool, new RecordingObserver().HealthObserved);
        _f.Time.Advance(TimeSpan.FromSeconds(1));
        _f.Options.Publish(Polling(TimeSpan.FromSeconds(10)));

        _f.Time.Advance(TimeSpan.FromSeconds(8.9));
        Assert.Equal(0, _f.Store.Reads);
        _f.Time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(1, _f.Store.Reads);
    }

    [Fact]
    public void PollInterval_Override_HoldsForThatPoolAndChangesAtRunTime()
    {
        _f.Pools.Answer(new PoolGuardOverrides { PollIntervalMs = 5000, CacheTtlMs = 100 });
        _f.Watchers.Watch(_f.Pool, new RecordingObserver().HealthObserved);
        _f.Time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.Equal(0, _f.Store.Reads);
        _f.Time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(1, _f.Store.Reads);

        _f.Pools.Answer(new PoolGuardOverrides { PollIntervalMs = 1000, CacheTtlMs = 100 });
        _f.Settings.PoolConfigChanged(_f.Pool);
        for (var i = 0; i < 3; i++)
        {
            _f.Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(4, _f.Store.Reads);
    }

    [Fact]
    public void PollInterval_Zero_IsBounded()
    {
        _f.Options.Publish(Polling(TimeSpan.Zero));
        _f.Watchers.Watch(_f.Pool, new RecordingObserver().HealthObserved);

        _f.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.InRange(_f.Store.Reads, 1, 100);
    }

    [Fact]
    public async Task Gap_WatchedPool_IsReadAtOnceHoweverFresh()
    {
        await _f.ReadAsync();
        var observer = new RecordingObserver();
        _f.Watchers.Watch(_f.Pool, observer.HealthObserved);
        _f.Store.Answer(_f.Red(1));

        _f.Tracker.Gap();

        Assert.Equal(_f.Red(1), Assert.Single(observer.Heard));
        Assert.Equal(2, _f.Store.Reads);
    }

    [Fact]
    public async Task Watch_ComingAndGoingOnManyThreads_LeavesNothingBehind()
    {
        var threads = Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < 5000; i++)
                {
                    var observer = new RecordingObserver();
                    using var watch = _f.Watchers.Watch(_f.Pool, observer.HealthObserved);
                    if (i % 500 == 0)
                    {
                        _f.Tracker.ReadAgain(_f.Pool);
                    }
                }
            },
            Cancelled,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default));
        await Task.WhenAll(threads).WaitAsync(TimeSpan.FromSeconds(30), Cancelled);

        Assert.Equal(0, _f.Watchers.Count);
        var reads = _f.Store.Reads;
        _f.Time.Advance(Poll);
        Assert.Equal(reads, _f.Store.Reads);
    }

    private static GuardOptions Polling(TimeSpan interval) => new() { FailFast = new FailFastOptions { PollInterval = interval, CacheTtl = TimeSpan.FromMilliseconds(1) } };

    private static async Task Eventually(Func<bool> condition)
    {
        for (var i = 0; i < 1_000_000 && !condition(); i++)
        {
            await Task.Yield();
        }

        Assert.True(condition());
    }

    private sealed class ThrowingObserver
    {
        public void HealthObserved(PoolHealthSnapshot health) => throw new InvalidOperationException("bug");
    }

    private sealed class LeavingObserver
    {
        public IDisposable? Watch { get; set; }

        public int Told { get; private set; }

        public void HealthObserved(PoolHealthSnapshot health)
        {
            Told++;
            Watch?.Dispose();
        }
    }
}
