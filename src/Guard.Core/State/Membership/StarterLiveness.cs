using System.Collections.Concurrent;
using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Model.Stores;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Membership;

/// <summary>
/// Says each <see cref="IGuardLiveness.RenewInterval"/> that this Guard lives, and knows whether the starter of somebody else's start is
/// dead, so that the start may be taken over. Thread-safe.
/// </summary>
/// <remarks>
/// A key that is gone proves a death only where it would have been renewed: a store that was away, or lost its data, has no keys either.
/// So nobody is dead before this Guard's own renewals have succeeded without a break for <see cref="IGuardLiveness.Ttl"/>, which gives
/// every other Guard as long to be heard again as it has in between. A death declared wrongly is harmless all the same (the generation
/// fences): it costs one more start.
/// </remarks>
internal sealed class StarterLiveness(
    IGuardLiveness liveness, GuardIdentity identity, GuardMetrics metrics, TimeProvider time, ILogger<StarterLiveness> logger) : BackgroundService
{
    /// <summary>How long an answer of the store is reused: many actors may wait for one dead starter. Short against the Ttl.</summary>
    private static readonly TimeSpan Memory = IGuardLiveness.RenewInterval / 2;

    /// <summary>The longest time between two renewals that counts as no break.</summary>
    private static readonly TimeSpan LongestPause = IGuardLiveness.RenewInterval * 2;

    private readonly GuardedLoop _loop = new("liveness", metrics, time, logger,
        "This Guard cannot say that it lives. If other Guards still reach the store, they take over what this one is starting");

    private readonly ConcurrentDictionary<string, Check> _checks = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private volatile Contact? _contact;
    private volatile bool _ended;

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => RunAsync(stoppingToken);

    /// <summary>Renews until stopped, the first time at once, where it is called: the host starts it on a thread of its own, a simulation on
    /// its own scheduler.</summary>
    public Task RunAsync(CancellationToken stoppingToken) => _loop.RunAsync(IGuardLiveness.RenewInterval, StepAsync, stoppingToken);

    /// <summary>Ends the renewals and says that this Guard has ended, so that others need not wait for its death. The host calls this
    /// after requests have drained.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        // Not the host's token: where the drain took all the time there is, this takes a moment more.
        await base.StopAsync(CancellationToken.None);
        _ended = true;
        try
        {
            await liveness.EndAsync(identity.Id, CancellationToken.None);
        }
        catch (StoreException)
        {
            // Then its key vanishes by itself.
        }
    }

    /// <summary>Call before a start begins: makes sure that the store has this Guard's key, or others would take the start over at once.
    /// Completes synchronously while renewals succeed.</summary>
    /// <exception cref="StoreException">The store does not answer.</exception>
    public ValueTask EnsureAliveAsync()
        => _ended || (_contact is { } contact && time.GetElapsedTime(contact.Last) < LongestPause) ? default : RenewAsync(CancellationToken.None);

    /// <summary>Whether a Guard that began a start is known to be dead; never this one. A store that does not answer tells nothing, so then
    /// the answer is no. Never throws.</summary>
    public async ValueTask<bool> IsDeadAsync(string guardId)
    {
        if (guardId == identity.Id || !IsSettled())
        {
            return false;
        }

        // Settled after the answer too: the break may have come between.
        var isGone = await CheckOf(guardId).Gone.Value;
        return isGone && IsSettled();
    }

    private bool IsSettled()
        => _contact is { } contact && time.GetElapsedTime(contact.Since) >= IGuardLiveness.Ttl && time.GetElapsedTime(contact.Last) <= LongestPause;

    private Check CheckOf(string guardId)
    {
        while (true)
        {
            var known = _checks.GetOrAdd(guardId, NewCheck);
            if (time.GetElapsedTime(known.At) < Memory)
            {
                return known;
            }

            var next = NewCheck(guardId);
            if (_checks.TryUpdate(guardId, next, known))
            {
                return next;
            }
        }
    }

    private Check NewCheck(string guardId) => new(time.GetTimestamp(), new(() => AskAsync(guardId)));

    private async Task<bool> AskAsync(string guardId)
    {
        try
        {
            return !await liveness.IsAliveAsync(guardId, CancellationToken.None);
        }
        catch (StoreException)
        {
            return false;
        }
    }

    private void Forget()
    {
        foreach (var (guardId, check) in _checks)
        {
            if (time.GetElapsedTime(check.At) >= IGuardLiveness.Ttl)
            {
                _checks.TryRemove(KeyValuePair.Create(guardId, check));
            }
        }
    }

    private async ValueTask StepAsync(CancellationToken cancellationToken)
    {
        Forget();
        try
        {
            await RenewAsync(cancellationToken);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Also for a failure nobody foresaw: it breaks the row of renewals.
            _contact = null;
            throw;
        }
    }

    private async ValueTask RenewAsync(CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        await liveness.RenewAsync(identity.Id, cancellationToken);
        lock (_gate)
        {
            _contact = _contact is { } contact && time.GetElapsedTime(contact.Last, began) <= LongestPause
                ? contact with { Last = Math.Max(contact.Last, began) }
                : new(began, began);
        }
    }

    /// <summary>An unbroken row of renewals: when the first and the last of them began.</summary>
    private sealed record Contact(long Since, long Last);

    /// <summary>One question about one Guard, shared by all who ask at the time.</summary>
    private sealed record Check(long At, Lazy<Task<bool>> Gone);
}
