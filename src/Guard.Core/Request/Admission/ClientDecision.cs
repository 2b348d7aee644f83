namespace Guard.Core.Request.Admission;

/// <summary>A limit of one client.</summary>
internal enum ClientLimit
{
    None,

    /// <summary><c>Limits:RequestsPerClient</c>.</summary>
    Rate,

    /// <summary><c>Limits:ConcurrentPerClient</c>.</summary>
    Concurrency,

    /// <summary><c>Limits:WebSocketsPerClient</c>.</summary>
    WebSockets,
}

/// <param name="Refused">The limit that refused; <see cref="ClientLimit.None"/> when admitted.</param>
/// <param name="Limit">The value of that limit.</param>
/// <param name="RetryAfter">When there may be a place again.</param>
internal readonly record struct ClientDecision(ClientLimit Refused, int Limit, TimeSpan RetryAfter)
{
    /// <summary>Where nobody knows when a place becomes free.</summary>
    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    public static readonly ClientDecision Admitted;
}
