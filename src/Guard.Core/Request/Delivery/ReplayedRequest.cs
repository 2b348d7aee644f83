using Guard.Core.Async;
using Guard.Core.Transport;

namespace Guard.Core.Request.Delivery;

/// <summary>What <see cref="ReplayLoop"/> knows of the request that it tries. Used by one flow at a time.</summary>
internal abstract class ReplayedRequest
{
    public abstract Deadline Deadline { get; }

    /// <summary>A runner is enough, ready or not.</summary>
    public abstract bool SkipReadyWait { get; }

    /// <summary>No body, or one that can be sent again. Asked after each try.</summary>
    public abstract bool CanReplay { get; }

    /// <summary>Fires when the client left.</summary>
    public abstract CancellationToken ClientGone { get; }

    /// <summary>One try, to the runner of a route that serves the request.</summary>
    public abstract ValueTask<ForwardOutcome> TryAsync(ActorRoute route);
}
