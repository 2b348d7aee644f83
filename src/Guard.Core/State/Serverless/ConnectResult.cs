using Guard.Model.Pools;

namespace Guard.Core.State.Serverless;

/// <summary>How a connect ended: exactly one of the two is set.</summary>
/// <param name="Stream">The connection; the caller owns it.</param>
/// <param name="Error">Why there is none, texts cut as <c>PoolHealth:MaxErrorBytes</c> says.</param>
internal readonly record struct ConnectResult(ServerlessStream? Stream, PoolError? Error)
{
    public static implicit operator ConnectResult(ServerlessStream stream) => new(stream, null);

    public static implicit operator ConnectResult(PoolError error) => new(null, error);
}

/// <summary>Opens one connection of a pool and waits for its first message, at most <see cref="ServerlessTarget.InitTimeout"/>. Never throws
/// but for the caller's own cancellation.</summary>
internal delegate Task<ConnectResult> ServerlessConnect(ServerlessTarget target, CancellationToken cancellationToken);
