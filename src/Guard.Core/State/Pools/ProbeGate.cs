using System.Collections.Concurrent;
using Guard.Core.Async;
using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Core.State.Pools;

/// <summary>
/// Asks the store for the right to probe a red pool. A refusal is remembered for a moment, so that a flood of requests for a red pool
/// costs the store a few calls per second, not one each. Thread-safe.
/// </summary>
internal sealed class ProbeGate(IPoolHealthStore health, ConnectOutlook connects, LiveOptions options, TimeProvider time)
{
    /// <summary>
    /// How long a refusal is reused: short, since a probe that ends with success lets the next one pass at once; 10 calls per second,
    /// pool and Guard at the most.
    /// </summary>
    private static readonly TimeSpan Memory = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<PoolId, Refusal> _refusals = new();
    private readonly SingleFlight<ActorId, ProbeGrant?> _asking = new(keepsResults: true);

    /// <summary>Whether a probe was refused so recently that asking again is no use. Takes the health at hand to notice a new version.</summary>
    public bool WasJustRefused(PoolHealthSnapshot current)
        => _refusals.TryGetValue(current.Pool, out var refusal)
            && refusal.Epoch == current.Epoch && refusal.Seq == current.Seq
            && time.GetElapsedTime(refusal.At) < Memory;

    /// <summary>
    /// Asks for the right to wake the actor as the pool's probe. Requests for the same actor that ask at the same time share the answer;
    /// call <see cref="Admitted"/> once the answer has been acted on. A store that fails makes the pool's health unknown, which is green: then the
    /// result is null.
    /// </summary>
    public Task<ProbeGrant?> AskAsync(ActorId actor, PoolId pool)
        => _asking.RunAsync(actor, static s => s.Gate.AskStoreAsync(s.Pool), (Gate: this, Pool: pool));

    /// <summary>Later requests for the actor ask anew.</summary>
    public void Admitted(ActorId actor) => _asking.Forget(actor);

    /// <summary>Says how a probe ended; a store that cannot be told lets the next probe pass after the interval anyway.</summary>
    public async Task EndAsync(PoolId pool, long probeId, bool success)
    {
        try
        {
            await health.EndProbeAsync(pool, probeId, success, CancellationToken.None);
        }
        catch (StoreException)
        {
        }
    }

    /// <summary>When the next probe may pass or the next connect is tried, whichever is sooner, as far as this Guard knows.</summary>
    public TimeSpan RetryAfter(PoolId pool)
        => NextProbe(pool) is var probe && connects.NextConnect(pool) is { } connect && connect < probe ? connect : probe;

    private TimeSpan NextProbe(PoolId pool)
    {
        var interval = options.Current.FailFast.ProbeInterval;
        if (!_refusals.TryGetValue(pool, out var refusal))
        {
            return interval;
        }

        var left = refusal.RetryAfter - time.GetElapsedTime(refusal.At);
        return left <= TimeSpan.Zero ? TimeSpan.FromSeconds(1) : left < interval ? left : interval;
    }

    private async Task<ProbeGrant?> AskStoreAsync(PoolId pool)
    {
        ProbeGrant grant;
        try
        {
            grant = await health.TryGrantProbeAsync(pool, options.Current.FailFast.ProbeInterval, CancellationToken.None);
        }
        catch (StoreException)
        {
            return null;
        }

        if (grant.IsGranted || !grant.Health.IsRed)
        {
            _refusals.TryRemove(pool, out _);
        }
        else
        {
            _refusals[pool] = new(grant.Health.Epoch, grant.Health.Seq, time.GetTimestamp(), grant.RetryAfter);
        }

        return grant;
    }

    private sealed record Refusal(ulong Epoch, long Seq, long At, TimeSpan RetryAfter);
}
