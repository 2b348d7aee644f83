using Guard.Model.Actors;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Core.Tests.State.Serverless;

/// <summary>A day of connections that each live for an hour, on the virtual clock.</summary>
public sealed class ServerlessRotationTests
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(20);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task KeepAsync_Day_EveryConnectionIsReplacedBeforeItDrainsAndNoneIsCutOrLeft()
    {
        var h = new ServerlessHarness();

        // The clock moves in steps of 20 s, and heartbeats and repeated wishes with it.
        h.Live.Current.Readiness.RepairInterval = Step;
        (h.Live.Current.Runners.EligibleAfter, h.Live.Current.Runners.LostAfter) = (TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2));
        await h.WithPoolAsync(ServerlessHarness.Endpoint with { SlotsPerRunner = 5, RequestLifespan = 3600 }, grace: 600);
        h.Endpoints.Answer = c => c.Init();
        var actors = await h.AddActorsAsync(15);
        var opened = new Dictionary<int, TimeSpan>();
        var (gaps, longest, mostOpen) = (0, TimeSpan.Zero, 0);
        var began = h.Time.GetTimestamp();
        while (h.Time.GetElapsedTime(began) is var now && now < TimeSpan.FromHours(24))
        {
            h.Time.Advance(Step);
            await HeardAsync(h);
            var sweep = (await h.LookAsync())!;
            await RegisteredAsync(h);
            foreach (var stream in sweep.Streams.Where(s => s.IsDraining))
            {
                await EvictAsync(h, stream);
            }

            // Whoever is not running is asked for at once, as by a request.
            var running = 0;
            foreach (var actor in actors)
            {
                running += await h.WantAsync(actor) is { Status: StartGrantStatus.AlreadyReady or StartGrantStatus.Granted } ? 1 : 0;
            }

            gaps += now > TimeSpan.FromMinutes(1) && running < 15 ? 1 : 0;
            foreach (var (connect, i) in h.Endpoints.Connects.Select((c, i) => (c, i)))
            {
                if (opened.TryAdd(i, now) || !connect.HasEnded)
                {
                    longest = now - opened[i] > longest ? now - opened[i] : longest;
                }
            }

            mostOpen = Math.Max(mostOpen, h.Endpoints.Open);

            await BeatsUntilAsync(h, runners => !runners.Any(r => r.DrainTs != 0 && r.RemainingSlots == r.TotalSlots));
        }

        Assert.Equal(0, gaps);

        // Drained at 3000 s, closed when empty: long before the platform's 3600 s.
        Assert.InRange(longest, TimeSpan.FromSeconds(2900), TimeSpan.FromSeconds(3500));
        Assert.Equal(3, h.Endpoints.Open);
        Assert.InRange(mostOpen, 4, 6);
        Assert.InRange(h.Endpoints.Connects.Count, 24 * 3, 30 * 3);
        Assert.Equal(3, (await h.RunnersAsync()).Count);
        Assert.Equal(15, (await h.RunnersAsync()).Sum(r => r.TotalSlots - r.RemainingSlots));
    }

    /// <summary>Every runner was heard of since the clock moved: else a machine with no time for this process makes them too old for actors.</summary>
    private static async Task HeardAsync(ServerlessHarness h)
    {
        var since = h.Time.GetUtcNow().ToUnixTimeMilliseconds();
        await BeatsUntilAsync(h, runners => runners.All(r => r.LastPingTs >= since));
    }

    /// <summary>Heartbeats run on their own, and the clock must not run away from them: it moves a little until they have done their part.</summary>
    private static async Task BeatsUntilAsync(ServerlessHarness h, Func<IReadOnlyList<RunnerRecord>, bool> holds)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!holds(await h.RunnersAsync()))
        {
            await Task.Yield();
            if (TimeProvider.System.GetElapsedTime(since) > TimeSpan.FromMilliseconds(4))
            {
                h.Time.Advance(TimeSpan.FromSeconds(1));
                since = TimeProvider.System.GetTimestamp();
            }
        }
    }

    /// <summary>Every stream that was opened has its runner; connects end on threads of their own.</summary>
    private static async Task RegisteredAsync(ServerlessHarness h)
    {
        while (h.Endpoints.Open != (await h.RunnersAsync()).Count)
        {
            await Task.Yield();
        }
    }

    /// <summary>As the keeper does: its actors are told to stop, and do.</summary>
    private static async Task EvictAsync(ServerlessHarness h, StreamRunner stream)
    {
        var eviction = await h.Store.EvictAsync(new(ServerlessHarness.Pool, h.Lease, stream.RunnerId, TimeSpan.Zero, TimeSpan.FromSeconds(600), 100), Ct);
        foreach (var actor in eviction.Stopping)
        {
            Assert.Equal(ActorState.Stopping, actor.State);
            await h.Store.CommitStoppedAsync(actor.Id, actor.Pool, actor.Generation, Ct);
        }
    }
}
