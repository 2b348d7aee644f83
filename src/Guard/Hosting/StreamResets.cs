using Microsoft.AspNetCore.Connections.Features;

namespace Guard.Hosting;

/// <summary>
/// How many requests of one HTTP/2 connection the client cancelled before they were answered. Opening and cancelling costs a client two
/// small frames, and a server a whole request: one that does little else is cut off (<c>Limits:MaxStreamResets</c>). Thread-safe.
/// </summary>
internal sealed class StreamResets(int most)
{
    private int _requests;
    private int _resets;

    /// <summary>Counts a request that is over, and ends the connection when it has had enough.</summary>
    public static void Count(HttpContext context)
    {
        if (HttpProtocol.IsHttp2(context.Request.Protocol)
            && context.Features.Get<StreamResets>() is { } resets
            && resets.IsTooMany(context.RequestAborted.IsCancellationRequested && !context.Response.HasStarted))
        {
            context.Features.Get<IConnectionLifetimeFeature>()?.Abort();
        }
    }

    /// <summary>Whether this request was one cancelled too many.</summary>
    public bool IsTooMany(bool isReset)
    {
        var requests = Interlocked.Increment(ref _requests);
        return isReset && Interlocked.Increment(ref _resets) is var resets && resets > most && 2L * resets > requests;
    }
}
