using Yarp.ReverseProxy.Forwarder;

namespace Guard.Core.Transport;

/// <summary>One try of an ordinary request: await <see cref="SendAsync"/>, then ask <see cref="Conclude"/> what came of it. The caller awaits
/// the sending itself because an asynchronous method in between is paid for by each request.</summary>
internal abstract class RunnerExchange : HttpTransformer
{
    public abstract ActorRoute Route { get; }

    /// <summary>Sends the request to the runner and, unless it has to be sent elsewhere, the reply to the client. Call once.</summary>
    public abstract ValueTask<ForwarderError> SendAsync();

    /// <summary>Tells how the try ended, once <see cref="SendAsync"/> has. Expected failures are never thrown.</summary>
    /// <param name="error">What that returned.</param>
    public abstract ForwardOutcome Conclude(ForwarderError error);
}
