using Guard.Core.Options;
using Guard.Core.Request.Readiness;
using Guard.Core.Transport;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Core.Tests.Request.Readiness;

public sealed class WaitersTests
{
    private static readonly PoolHealthSnapshot Red = new(
        ReadinessHarness.Pool, 1, 5, true, new(new PoolError(PoolErrorKind.ServerlessHttpError, 500), 1, 5), 0, 1);

    private readonly FakeTimeProvider _time = new();
    private readonly GuardOptions _options = new();
    private int _closed;
    private int _due;

    [Fact]
    public void Leave_AnyOrderWithSomeTakenInBetween_EachComesOutOnce()
    {
        var random = new Random(7);
        var waiters = NewWaiters();
        var all = Enumerable.Range(0, 500).Select(i => NewWaiter(seconds: i % 10 + 1)).ToArray();
        Assert.All(all, w => Assert.True(waiters.TryJoin(w, null, out _)));
        var left = new HashSet<Waiter>();
        random.Shuffle(all);

        foreach (var waiter in all.Take(300))
        {
            Assert.True(waiters.Leave(waiter));
            Assert.True(left.Add(waiter));
            Assert.False(waiters.Leave(waiter));
        }

        _time.Advance(TimeSpan.FromSeconds(5));
        var (late, failed, reported) = waiters.TakeDue();
        Assert.All(late, w => Assert.True(left.Add(w) && !waiters.Leave(w)));
        Assert.Equal((0, 0), (failed.Count, reported));
        Assert.Equal(all.Length - left.Count, waiters.Count);
        Assert.Equal(0, _closed);
        foreach (var waiter in all.Where(w => !left.Contains(w)))
        {
            Assert.True(waiters.Leave(waiter));
        }

        Assert.Equal((0, 1), (waiters.Count, _closed));
        Assert.False(waiters.TryJoin(NewWaiter(), null, out _));
        Assert.All(all, w => Assert.False(w.Task.IsCompleted));
    }

    [Fact]
    public void TakeDue_RedPool_TakesThoseWhoseCheckTimeHasCome()
    {
        var waiters = NewWaiters();
        var (early, late) = (NewWaiter(checkAfter: 1), NewWaiter(checkAfter: 20));
        waiters.TryJoin(early, null, out _);
        waiters.TryJoin(late, null, out _);
        waiters.Observe(Red);
        Assert.Empty(waiters.TakeDue().Failed);

        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.NotEqual(0, _due);
        Assert.Same(early, Assert.Single(waiters.TakeDue().Failed));
        Assert.Equal((1, 0), (waiters.Count, _closed));
    }

    [Fact]
    public void TakeDue_ModeReport_CountsEachOnceAndTakesNobody()
    {
        _options.FailFast.Mode = FailFastMode.Report;
        var waiters = NewWaiters();
        waiters.TryJoin(NewWaiter(checkAfter: 0), null, out _);
        waiters.Observe(Red);

        Assert.Equal(1, waiters.TakeDue().Reported);
        Assert.Equal(0, waiters.TakeDue().Reported);
        Assert.Equal(1, waiters.Count);
    }

    [Fact]
    public void TryJoin_AsProbe_OnlyALaterErrorEnds()
    {
        var waiters = NewWaiters();
        waiters.TryJoin(NewWaiter(checkAfter: 0), new(17, Red, TimeSpan.Zero), out _);
        waiters.Observe(Red);

        Assert.True(waiters.AreProbe);
        Assert.Empty(waiters.TakeDue().Failed);
        Assert.Equal((17, 0), (waiters.TakeProbe(), waiters.TakeProbe()));
        waiters.Observe(Red with { Seq = 6, ActiveError = Red.ActiveError! with { Seq = 6 } });
        Assert.Single(waiters.TakeDue().Failed);
        Assert.Equal(1, _closed);
    }

    [Fact]
    public void TryJoin_WantsNoMoreThanAnother_NeedsNoLook()
    {
        var waiters = NewWaiters();
        waiters.TryJoin(NewWaiter(), null, out var first);
        waiters.TryJoin(NewWaiter(), null, out var same);
        waiters.TryJoin(NewWaiter(skip: true), null, out var less);
        waiters.TryJoin(NewWaiter(skip: true), null, out var again);

        Assert.Equal((false, false, true, false), (first, same, less, again));
    }

    [Fact]
    public void TakeAccepting_Starting_TakesThoseWhoNeedNoReadyActor()
    {
        var waiters = NewWaiters();
        var (skips, stays) = (NewWaiter(skip: true), NewWaiter());
        waiters.TryJoin(stays, null, out _);
        waiters.TryJoin(skips, null, out _);
        var starting = new ActorRecord
        {
            Id = ActorId.New(1),
            Pool = ReadinessHarness.Pool,
            Name = "a",
            State = ActorState.Starting,
            Generation = 1,
            Revision = 2,
            Runner = new RunnerAddress("r1", new RunnerLocation.Http("http://r1", RunnerProtocol.Http1)),
        };

        Assert.Same(skips, Assert.Single(waiters.TakeAccepting(ActorRoute.From(starting))));
        Assert.Same(stays, Assert.Single(waiters.TakeAll()));
        Assert.Equal(1, _closed);
    }

    private Waiters NewWaiters()
        => new(new LiveOptions(_options), _time, PoolHealthSnapshot.Unknown(ReadinessHarness.Pool), () => _due++, () => _closed++);

    private Waiter NewWaiter(int seconds = 30, int checkAfter = 1, bool skip = false) => new()
    {
        Arrival = _time.GetTimestamp(),
        Deadline = _time.GetTimestamp() + (seconds * _time.TimestampFrequency),
        CheckAfter = _time.GetTimestamp() + (checkAfter * _time.TimestampFrequency),
        SkipReadyWait = skip,
    };
}
