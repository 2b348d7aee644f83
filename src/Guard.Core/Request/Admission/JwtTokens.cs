using System.Text.Json;
using Guard.Core.Async;
using Guard.Core.Options;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Guard.Core.Request.Admission;

/// <summary>
/// Signed tokens of an issuer: signature, issuer, audience and lifetime are checked by the framework's library, with the keys at hand
/// (<see cref="JwtKeys"/>). A token that was good is remembered for <see cref="Memory"/> at most, by its hash, so that its signature is
/// not computed anew for each request. Thread-safe.
/// </summary>
internal sealed partial class JwtTokens : IDisposable
{
    /// <summary>How long a good token is remembered, if it does not expire sooner: a key that is withdrawn counts no longer than that.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(1);

    /// <summary>Good tokens remembered, some 500 B each.</summary>
    private const int MaxRemembered = 50_000;

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false, MaximumTokenSizeInBytes = TokenHash.MaxTokenLength * 3 };
    private readonly MemoryCache _good;
    private readonly JwtOptions _options;
    private readonly JwtKeys _keys;
    private readonly TimeProvider _time;
    private readonly ILogger<JwtTokens> _logger;

    public JwtTokens(LiveOptions options, JwtKeys keys, TimeProvider time, ILogger<JwtTokens> logger)
    {
        (_options, _keys, _time, _logger) = (options.Current.Auth.Jwt, keys, time, logger);
        _good = new(new MemoryCacheOptions { SizeLimit = MaxRemembered, Clock = new TimeProviderClock(time) });
    }

    /// <summary>What the token is good for; null when it is not good.</summary>
    public TokenScope? Find(ReadOnlySpan<char> token)
    {
        if (token.Length > TokenHash.MaxTokenLength)
        {
            return null;
        }

        var key = Convert.ToHexString(TokenHash.Of(token));
        if (_good.TryGetValue(key, out var remembered))
        {
            return (TokenScope)remembered!;
        }

        return Validate(token.ToString()) is { } valid ? Remember(key, valid) : null;
    }

    public void Dispose() => _good.Dispose();

    private TokenScope Remember(string key, JsonWebToken token)
    {
        var scope = ScopeOf(token);
        var left = token.ValidTo + _options.ClockSkew - _time.GetUtcNow().UtcDateTime;
        if (left > TimeSpan.Zero)
        {
            _good.Set(key, scope, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = left < Memory ? left : Memory });
        }

        return scope;
    }

    private JsonWebToken? Validate(string text)
    {
        // With its keys given, the library's validation never waits for anything.
        var validation = _handler.ValidateTokenAsync(text, Terms());
        if (!validation.IsCompletedSuccessfully)
        {
            LogNotSynchronous(_logger);
            return null;
        }

        var result = validation.Result;
        if (result.IsValid)
        {
            return (JsonWebToken)result.SecurityToken;
        }

        LogRefused(_logger, result.Exception?.GetType().Name ?? "unknown");
        if (result.Exception is SecurityTokenInvalidSignatureException)
        {
            // Signed by a key that is newer than ours (it is the base of "key not found"), or by nobody we know.
            _keys.RefreshSoon();
        }

        return null;
    }

    private TokenValidationParameters Terms() => new()
    {
        ValidIssuer = _options.Issuer,
        ValidAudience = _options.Audience,
        IssuerSigningKeys = _keys.Current,
        RequireSignedTokens = true,
        RequireExpirationTime = true,
        RequireAudience = true,
        ValidateIssuerSigningKey = true,
        ValidateTokenReplay = false,
        LogValidationExceptions = false,
        IncludeTokenOnFailedValidation = false,
        LifetimeValidator = (notBefore, expires, _, _) => IsAlive(notBefore, expires),
    };

    private bool IsAlive(DateTime? notBefore, DateTime? expires)
    {
        var now = _time.GetUtcNow().UtcDateTime;
        return expires is { } end && now < end + _options.ClockSkew && (notBefore is not { } begin || now >= begin - _options.ClockSkew);
    }

    /// <summary>A token without the claim of namespaces is good for none: what it may do has to be said.</summary>
    private TokenScope ScopeOf(JsonWebToken token)
    {
        using var payload = JsonDocument.Parse(Base64UrlEncoder.DecodeBytes(token.EncodedPayload));
        var claims = payload.RootElement;
        return new(Texts(claims, _options.NamespacesClaim) ?? [], Texts(claims, _options.PoolsClaim), Texts(claims, _options.ActorsClaim));
    }

    /// <summary>A text, or a list of texts; null without the claim. What is neither names nothing.</summary>
    private static List<string>? Texts(JsonElement claims, string claim)
    {
        if (!claims.TryGetProperty(claim, out var value))
        {
            return null;
        }

        return value.ValueKind switch
        {
            JsonValueKind.String => [value.GetString()!],
            JsonValueKind.Array => [.. value.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!)],
            _ => [],
        };
    }

    [LoggerMessage(EventId = 1, EventName = "TokenRefused", Level = LogLevel.Debug, Message = "A client's token was refused: {Reason}")]
    private static partial void LogRefused(ILogger logger, string reason);

    [LoggerMessage(EventId = 2, EventName = "TokenNotSynchronous", Level = LogLevel.Error, Message = "A token could not be checked at once; this is a bug in Guard")]
    private static partial void LogNotSynchronous(ILogger logger);
}
