using Guard.Core.Options;
using Guard.Core.Transport.Connections;

namespace Guard.Core.State.Serverless;

/// <summary>
/// How HTTP leaves Guard for serverless endpoints: as for runners (<see cref="RunnerInvoker"/>: no redirects, no unpacking, no resending,
/// every address judged), but each call on a connection of its own that ends with it, because a start call lasts as long as its runner.
/// Thread-safe; live for the whole process.
/// </summary>
internal sealed class ServerlessInvoker(RunnerConnector connector, LiveOptions options)
    : HttpMessageInvoker(NewHandler(connector, options.Current.Forwarding.ConnectTimeout), disposeHandler: true)
{
    private static SocketsHttpHandler NewHandler(RunnerConnector connector, TimeSpan connectTimeout)
    {
        var handler = RunnerInvoker.NewHandler(connector, connectTimeout);

        // Never kept for another call; a call in progress is not cut by it.
        handler.PooledConnectionLifetime = TimeSpan.Zero;

        // A reply nobody wants is not read to its end: it may have none.
        handler.MaxResponseDrainSize = 0;
        return handler;
    }
}
