using Guard.Model.Ids;

namespace Guard.Model.Runners;

/// <summary>What a runner speaks.</summary>
internal enum RunnerProtocol
{
    /// <summary>HTTP/1.1 on <c>http://</c>; 1.1 or 2 by ALPN on <c>https://</c>.</summary>
    Http1,

    /// <summary>HTTP/2 with prior knowledge on <c>http://</c>.</summary>
    H2c,
}

/// <summary>A runner and where it is. Immutable, compared by value; shared by every route to the runner.</summary>
internal sealed record RunnerAddress(string RunnerId, RunnerLocation Location);

/// <summary>What a serverless runner lives by: the connection that a Guard opened to it.</summary>
/// <param name="Owner">The Guard that holds it. When that Guard is dead the runner is lost.</param>
/// <param name="Terms">What it was opened with: see <c>StreamTerms</c>. Not secret.</param>
/// <param name="OpenedAgo">How long ago it was opened, when its runner registered.</param>
/// <param name="IsLeaving">Its Guard is about to end.</param>
internal sealed record RunnerStream(string Owner, string Terms, TimeSpan OpenedAgo, bool IsLeaving = false);

/// <summary>A runner as the store holds it. Immutable. Times are Unix ms, 0 = never.</summary>
internal sealed record RunnerRecord
{
    public required RunnerAddress Address { get; init; }

    public required PoolId Pool { get; init; }

    /// <summary>Chosen by the runner; the same key registers the same runner again.</summary>
    public required string Key { get; init; }

    public int Version { get; init; }

    public int TotalSlots { get; init; }

    /// <summary>Total less the actors that start, run or stop here; never negative, and 0 once it is stopped.</summary>
    public int RemainingSlots { get; init; }

    /// <summary>Raised whenever the set of actors it owns changes, until it is stopped.</summary>
    public long ActorsVersion { get; init; }

    /// <summary>The stream that its life is; null when it registered itself.</summary>
    public RunnerStream? Stream { get; init; }

    /// <summary>Never lost, only suspect (from the seed file).</summary>
    public bool IsStatic { get; init; }

    public long CreateTs { get; init; }

    /// <summary>Since when it drains because somebody asked for it; 0 when nobody did. For good.</summary>
    public long DrainRequestTs { get; init; }

    /// <summary>Since when it drains because a runner of a higher version serves; 0 while none does. See <see cref="VersionDrain"/>.</summary>
    public long VersionDrainTs { get; init; }

    /// <summary>Since when it takes no new actors, for whatever reason; 0 while it does.</summary>
    public long DrainTs => DrainRequestTs == 0 || VersionDrainTs == 0 ? DrainRequestTs + VersionDrainTs : Math.Min(DrainRequestTs, VersionDrainTs);

    /// <summary>When it was lost or deleted; 0 while it lives.</summary>
    public long StopTs { get; init; }

    public long LastPingTs { get; init; }

    public string RunnerId => Address.RunnerId;
}
