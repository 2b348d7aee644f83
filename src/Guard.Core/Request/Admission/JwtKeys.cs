using System.Security.Cryptography;
using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Tokens;

namespace Guard.Core.Request.Admission;

/// <summary>
/// The keys tokens are signed with: of a file (<c>Auth:Jwt:KeyFile</c>: a JSON Web Key Set, or public keys in PEM) or of the issuer
/// (<c>Auth:Jwt:JwksUrl</c>). Read before the first request, again each <c>Auth:Jwt:RefreshInterval</c>, and soon after a token named a key
/// nobody knows. Keys that cannot be read leave those of before in force. Thread-safe.
/// </summary>
internal sealed partial class JwtKeys(LiveOptions options, GuardMetrics metrics, TimeProvider time, ILogger<JwtKeys> logger) : BackgroundService
{
    /// <summary>Between two reads at least, whatever tokens are sent.</summary>
    private static readonly TimeSpan MinInterval = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(10);

    /// <summary>A key set is a few kilobytes; more is none.</summary>
    private const int MaxBytes = 1024 * 1024;

    private readonly GuardedLoop _loop = new("jwt_keys", metrics, time, logger);
    private readonly SemaphoreSlim _wanted = new(0, 1);
    private volatile IReadOnlyList<SecurityKey> _current = [];
    private bool? _lastRead;

    public IReadOnlyList<SecurityKey> Current => _current;

    /// <summary>Has the keys read again before long. Never waits.</summary>
    public void RefreshSoon()
    {
        try
        {
            if (_wanted.CurrentCount == 0)
            {
                _wanted.Release();
            }
        }
        catch (SemaphoreFullException)
        {
            // Somebody else has asked already.
        }
    }

    /// <summary>Reads the keys once, so that the first request finds them.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Current.Auth.Mode == AuthMode.Jwt)
        {
            await ReadAsync(cancellationToken);
            await base.StartAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => _loop.RunAsync(TimeSpan.Zero, StepAsync, stoppingToken);

    private async ValueTask StepAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(MinInterval, time, cancellationToken);
        var rest = options.Current.Auth.Jwt.RefreshInterval - MinInterval;
        using var due = new CancellationTokenSource(rest > TimeSpan.Zero ? rest : TimeSpan.Zero, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(due.Token, cancellationToken);
        await _wanted.WaitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        await ReadAsync(cancellationToken);
    }

    public override void Dispose()
    {
        _wanted.Dispose();
        base.Dispose();
    }

    /// <summary>The keys a text holds: a JSON Web Key Set, or PEM. Keys of unknown kinds are left out.</summary>
    /// <exception cref="FormatException">There is no key in it.</exception>
    public static IReadOnlyList<SecurityKey> Parse(string text)
    {
        List<SecurityKey> keys;
        try
        {
            keys = text.Contains("-----BEGIN", StringComparison.Ordinal) ? ParsePem(text) : [.. JsonWebKeySet.Create(text).GetSigningKeys()];
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException or System.Text.Json.JsonException)
        {
            throw new FormatException("neither a JSON Web Key Set nor public keys in PEM", e);
        }

        return keys.Count > 0 ? keys : throw new FormatException("it holds no key for signatures");
    }

    private static List<SecurityKey> ParsePem(string text)
    {
        var keys = new List<SecurityKey>();
        var rest = text.AsSpan();
        while (PemEncoding.TryFind(rest, out var fields))
        {
            if (rest[fields.Label] is "PUBLIC KEY" or "RSA PUBLIC KEY")
            {
                keys.Add(ReadKey(rest[fields.Location]));
            }

            rest = rest[fields.Location.End..];
        }

        return keys;
    }

    private static SecurityKey ReadKey(ReadOnlySpan<char> pem)
    {
        try
        {
            var rsa = RSA.Create();
            rsa.ImportFromPem(pem);
            return new RsaSecurityKey(rsa);
        }
        catch (CryptographicException)
        {
            var ec = ECDsa.Create();
            ec.ImportFromPem(pem);
            return new ECDsaSecurityKey(ec);
        }
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        var jwt = options.Current.Auth.Jwt;
        try
        {
            var text = jwt.KeyFile is { } file ? await File.ReadAllTextAsync(file, cancellationToken) : await FetchAsync(jwt.JwksUrl!, cancellationToken);
            _current = Parse(text);
            Tell(true, null);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            Tell(false, e);
        }
    }

    private async Task<string> FetchAsync(string url, CancellationToken cancellationToken)
    {
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false })
        {
            MaxResponseContentBufferSize = MaxBytes,
        };
        using var timeout = new CancellationTokenSource(ReadTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        return await client.GetStringAsync(new Uri(url), either.Token);
    }

    private void Tell(bool isRead, Exception? fault)
    {
        metrics.SetDegraded("jwt_keys", !isRead);
        if (_lastRead == isRead)
        {
            return;
        }

        _lastRead = isRead;
        if (isRead)
        {
            LogRead(logger, _current.Count);
        }
        else
        {
            LogNotRead(logger, fault!.Message, _current.Count);
        }
    }

    [LoggerMessage(EventId = 1, EventName = "JwtKeysRead", Level = LogLevel.Information, Message = "Tokens are checked with {Count} keys")]
    private static partial void LogRead(ILogger logger, int count);

    [LoggerMessage(EventId = 2, EventName = "JwtKeysNotRead", Level = LogLevel.Warning,
        Message = "The keys of tokens cannot be read: {Reason}. The {Count} known before stay in force; without any, every client is refused. Are Auth:Jwt:KeyFile or JwksUrl right, and can Guard reach it?")]
    private static partial void LogNotRead(ILogger logger, string reason, int count);
}
