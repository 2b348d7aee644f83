using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Options;

namespace Guard.Core.Request.Admission;

/// <summary>
/// Which tokens of clients are good, and for what (<c>Guard:Auth</c>). Says so before anything is looked up, synchronously. Thread-safe.
/// </summary>
internal sealed class ClientTokens
{
    private readonly AuthMode _mode;
    private readonly StaticTokens? _static;
    private readonly JwtTokens? _jwt;
    private readonly GuardMetrics _metrics;

    /// <param name="options">Read once: a change needs a restart.</param>
    /// <param name="metrics">Counts refusals.</param>
    /// <param name="jwt">Only asked in mode <c>Jwt</c>.</param>
    public ClientTokens(LiveOptions options, GuardMetrics metrics, JwtTokens jwt)
    {
        var auth = options.Current.Auth;
        _mode = auth.Mode;
        _metrics = metrics;
        _static = _mode == AuthMode.Static ? new(auth.Tokens ?? []) : null;
        _jwt = _mode == AuthMode.Jwt ? jwt : null;
    }

    /// <summary>Whether clients need a token at all.</summary>
    public bool AreNeeded => _mode != AuthMode.None;

    /// <summary>Checks a client's token.</summary>
    /// <param name="token">As given; empty when none was.</param>
    /// <param name="scope">What it is good for; null when refused.</param>
    public GuardError? Check(ReadOnlySpan<char> token, out TokenScope? scope)
    {
        scope = token.IsEmpty ? null : _static is not null ? _static.Find(token) : _jwt?.Find(token);
        if (scope is not null)
        {
            return null;
        }

        _metrics.AuthFailed(token.IsEmpty ? "missing" : "invalid");
        return GuardErrors.Unauthorized();
    }

    /// <summary>The answer to a good token that is not good for this.</summary>
    public GuardError OutOfScope()
    {
        _metrics.AuthFailed("out_of_scope");
        return GuardErrors.Forbidden();
    }
}
