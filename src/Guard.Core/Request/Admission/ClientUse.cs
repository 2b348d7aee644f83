using System.Threading.RateLimiting;
using Guard.Core.Options;

namespace Guard.Core.Request.Admission;

/// <summary>What one client uses of its limits now. Thread-safe.</summary>
internal sealed class ClientUse
{
    private readonly Lock _gate = new();
    private TokenBucketRateLimiter? _bucket;
    private (int Requests, TimeSpan Window) _terms;
    private int _open;
    private int _webSockets;
    private bool _isDropped;

    /// <summary>Takes a place for one request.</summary>
    /// <param name="limits">In force now; a bucket of other terms is begun anew.</param>
    /// <param name="isWebSocket">It counts as a WebSocket as well.</param>
    /// <returns>Null when this is no longer the client's entry: look again.</returns>
    public ClientDecision? TryEnter(LimitsOptions limits, bool isWebSocket)
    {
        lock (_gate)
        {
            if (_isDropped)
            {
                return null;
            }

            if (limits.ConcurrentPerClient != 0 && _open >= limits.ConcurrentPerClient)
            {
                return new(ClientLimit.Concurrency, limits.ConcurrentPerClient, ClientDecision.Soon);
            }

            if (isWebSocket && limits.WebSocketsPerClient != 0 && _webSockets >= limits.WebSocketsPerClient)
            {
                return new(ClientLimit.WebSockets, limits.WebSocketsPerClient, ClientDecision.Soon);
            }

            // Last, so that a request refused for another reason costs no token.
            if (limits.RequestsPerClient != 0 && !TryTake(limits, out var retryAfter))
            {
                return new(ClientLimit.Rate, limits.RequestsPerClient, retryAfter);
            }

            _open++;
            _webSockets += isWebSocket ? 1 : 0;
            return ClientDecision.Admitted;
        }
    }

    public void Exit(bool isWebSocket)
    {
        lock (_gate)
        {
            _open--;
            _webSockets -= isWebSocket ? 1 : 0;
        }
    }

    /// <summary>Drops the entry where forgetting it makes no difference: nothing is open and the bucket is full again.</summary>
    public bool TryDrop()
    {
        lock (_gate)
        {
            if (_open != 0 || _webSockets != 0)
            {
                return false;
            }

            if (_bucket is { } bucket)
            {
                bucket.TryReplenish();
                if (bucket.GetStatistics()!.CurrentAvailablePermits < _terms.Requests)
                {
                    return false;
                }

                bucket.Dispose();
            }

            return _isDropped = true;
        }
    }

    private bool TryTake(LimitsOptions limits, out TimeSpan retryAfter)
    {
        var terms = (limits.RequestsPerClient, limits.RequestWindow);
        if (_bucket is null || _terms != terms)
        {
            _bucket?.Dispose();
            (_bucket, _terms) = (Bucket(terms.RequestsPerClient, terms.RequestWindow), terms);
        }

        // Without a timer of its own, the bucket is filled by what has passed since it was last looked at.
        _bucket.TryReplenish();
        using var lease = _bucket.AttemptAcquire();
        retryAfter = lease.IsAcquired || !lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? TimeSpan.Zero : after;
        return lease.IsAcquired;
    }

    /// <summary>A bucket of <paramref name="permits"/> that fills evenly, in <paramref name="window"/> from empty to full.</summary>
    public static TokenBucketRateLimiter Bucket(int permits, TimeSpan window) => new(new()
    {
        TokenLimit = permits,
        TokensPerPeriod = 1,
        ReplenishmentPeriod = new TimeSpan(Math.Max(1, window.Ticks / permits)),
        AutoReplenishment = false,
        QueueLimit = 0,
    });
}
