using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Core.State.Serverless;

/// <summary>What a pool's manager knows when it decides. Immutable.</summary>
/// <param name="Config">The runner-config; null, or without a serverless part: no connection is wanted.</param>
/// <param name="Streams">Those of the last sweep, without any whose Guard is dead.</param>
/// <param name="Pending">Actors that want a slot and have none.</param>
/// <param name="Connecting">Connections that are being opened.</param>
/// <param name="NewVersion">What the endpoint says new runners have; null when it does not say, or is not believed.</param>
/// <param name="Peak">The most connections that were desired lately: fewer are not kept.</param>
internal sealed record ServerlessView(
    PoolConfig? Config, IReadOnlyList<StreamRunner> Streams, int Pending, int Connecting, int? NewVersion = null, int Peak = 0);

/// <summary>
/// How many connections of a pool to open and which to drain. Pure.
/// </summary>
/// <remarks>
/// <para>
/// Desired = clamp(ceil((pending + allocated) / slots_per_runner) + runners_margin, min_runners, max_runners). Allocated are all actors that
/// hold a slot of a stream, on draining ones too: they come back. Runners that registered by themselves are not Guard's to count. Where
/// runners offer fewer slots than slots_per_runner, and actors are pending beyond the free ones, more are opened, up to max_runners.
/// </para>
/// <para>
/// A stream is replaced first and drained then, when it nears its lifespan, was opened with another URL or headers, is older than the
/// version its endpoint announces, or its Guard is leaving. Until its replacement is there it serves on; while it is replaced the pool may
/// have more than max_runners streams, never more that are there to stay.
/// </para>
/// </remarks>
/// <param name="Desired">Connections the pool should have.</param>
/// <param name="Connect">How many to open now.</param>
/// <param name="Drain">Runners to drain now.</param>
internal sealed record ServerlessPlan(int Desired, int Connect, IReadOnlyList<StreamRunner> Drain)
{
    /// <summary>The longest time a replacement is begun before its stream is drained.</summary>
    private static readonly TimeSpan MaxLead = TimeSpan.FromSeconds(30);

    private enum Standing
    {
        Serves,

        /// <summary>To be replaced, not yet to be drained.</summary>
        Ages,

        /// <summary>To be drained as soon as it is replaced.</summary>
        Replaced,

        /// <summary>To be drained whatever there is in its place.</summary>
        Overdue,
    }

    public static ServerlessPlan Of(ServerlessView view)
    {
        var terms = view.Config?.Serverless is { } current ? StreamTerms.Of(current) : null;
        var live = view.Streams.Where(s => !s.IsDraining).Select(s => (Stream: s, Standing: StandingOf(s, view, terms))).ToArray();
        var drain = live.Where(s => s.Standing == Standing.Overdue).Select(s => s.Stream).ToList();
        if (view.Config?.Serverless is not { } config)
        {
            return new(0, 0, drain);
        }

        var serving = live.Where(s => s.Standing == Standing.Serves).Select(s => s.Stream).ToArray();
        var there = serving.Length + view.Connecting;
        var desired = Wanted(view, config, serving, there);

        // One may go for each that is there beyond those desired; the oldest first, for it has the least time left.
        var ages = live.Count(s => s.Standing == Standing.Ages);
        var replaced = live.Where(s => s.Standing == Standing.Replaced).Select(s => s.Stream).OrderByDescending(s => s.Age).ToArray();
        drain.AddRange(replaced.Take(Math.Max(0, serving.Length + ages + replaced.Length - desired)));

        // What is not desired any more goes the emptiest first, and of those the oldest: it has to go soonest anyway.
        var kept = Math.Max(desired, Math.Min(view.Peak, config.MaxRunners));
        drain.AddRange(serving.OrderBy(s => s.Actors).ThenByDescending(s => s.Age).Take(Math.Max(0, serving.Length - kept)));
        return new(desired, Math.Max(0, desired - there), drain);
    }

    private static int Wanted(ServerlessView view, ServerlessPoolConfig config, StreamRunner[] serving, int there)
    {
        long slots = config.SlotsPerRunner;
        var wanted = view.Pending + view.Streams.Sum(s => (long)s.Actors);
        var desired = Math.Clamp(Runners(wanted, slots) + config.RunnersMargin, config.MinRunners, config.MaxRunners);
        var room = serving.Sum(s => (long)Math.Max(0, s.TotalSlots - s.Actors)) + (view.Connecting * slots);
        var lacking = Runners(view.Pending - room, slots);
        return (int)(lacking > 0 ? Math.Min(config.MaxRunners, Math.Max(desired, there + lacking)) : desired);
    }

    private static long Runners(long actors, long slots) => actors <= 0 ? 0 : (actors + slots - 1) / slots;

    private static Standing StandingOf(StreamRunner stream, ServerlessView view, string? terms)
    {
        if (view.Config is not { Serverless: { } serverless } config)
        {
            return Standing.Overdue;
        }

        var (lifespan, grace) = (TimeSpan.FromSeconds(serverless.RequestLifespan), TimeSpan.FromSeconds(config.DrainGracePeriod));
        var drainAt = lifespan - grace;
        if (stream.Age >= lifespan - (grace / 2))
        {
            // No replacement could be connected since half of the grace: the other half is for its actors to stop.
            return Standing.Overdue;
        }

        if (stream.Age >= drainAt || stream.IsLeaving || stream.Terms != terms
            || (config.DrainOnVersionUpgrade && stream.Version < view.NewVersion))
        {
            return Standing.Replaced;
        }

        return stream.Age >= drainAt - Lead(drainAt) ? Standing.Ages : Standing.Serves;
    }

    private static TimeSpan Lead(TimeSpan drainAt) => drainAt / 4 < MaxLead ? drainAt / 4 : MaxLead;
}
