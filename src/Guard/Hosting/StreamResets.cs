using Microsoft.AspNetCore.Connections.Features;

namespace Guard.Hosting;

/// <summary>
/// How many requests of one HTTP/2 connection the client cancelled before they were answered. Opening and cancelling costs a client two
/// small frames, and a server a whole request: one that does little else is told to leave with GOAWAY, and cut off when it goes on
/// (<c>Limits:MaxStreamResets</c>). Thread-safe.
/// </summary>
internal sealed class StreamResets(int most)
{
    /// <summary>What a client may have under way before it has read the GOAWAY.</summary>
    public const int Grace = 20;

    private int _requests;
    private int _resets;
    private int _excess;

    /// <summary>Counts a request that is over, and ends the connection when it has had enough.</summary>
    public static void Count(HttpContext context)
    {
        if (!HttpProtocol.IsHttp2(context.Request.Protocol) || context.Features.Get<StreamResets>() is not { } resets)
        {
            return;
        }

        switch (resets.Count(context.RequestAborted.IsCancellationRequested && !context.Response.HasStarted))
        {
            case StreamResetsVerdict.Leave:
                // Closed when its other requests have been answered: most who cancel a lot mean no harm.
                context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
                break;
            case StreamResetsVerdict.Cut:
                context.Features.Get<IConnectionLifetimeFeature>()?.Abort();
                break;
        }
    }

    /// <summary>What follows from one more request.</summary>
    public StreamResetsVerdict Count(bool isReset)
    {
        var requests = Interlocked.Increment(ref _requests);
        if (!isReset || (Interlocked.Increment(ref _resets) is var resets && (resets <= most || 2L * resets <= requests)))
        {
            return StreamResetsVerdict.Go;
        }

        var excess = Interlocked.Increment(ref _excess);
        return excess == 1 ? StreamResetsVerdict.Leave : excess > Grace ? StreamResetsVerdict.Cut : StreamResetsVerdict.Go;
    }
}

/// <summary>What becomes of a connection whose requests are cancelled.</summary>
internal enum StreamResetsVerdict
{
    /// <summary>It goes on.</summary>
    Go,

    /// <summary>It gets GOAWAY.</summary>
    Leave,

    /// <summary>It is closed at once.</summary>
    Cut,
}
