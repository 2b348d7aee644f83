using System.Diagnostics.CodeAnalysis;
using System.Text;
using Guard.Core.Options;
using Guard.Model.Text;

namespace Guard.Core.State.Serverless;

/// <summary>
/// Takes the secrets Guard sent with a call out of what came back: error pages like to repeat the request, and bodies of pool errors are
/// shown to operators. A secret is recognised as it was sent, not in another encoding. Immutable.
/// </summary>
internal sealed class SecretMask
{
    private const string Hidden = "***";

    /// <summary>Shorter values are no secrets, and replacing them would leave nothing to read.</summary>
    private const int MinLength = 4;

    // Longest first: one may begin with another.
    private readonly string[] _secrets;

    private SecretMask(IEnumerable<string> secrets)
        => _secrets = [.. secrets.Where(s => s.Length >= MinLength).Distinct().OrderByDescending(s => s.Length)];

    /// <summary>How far beyond a cut a secret that begins before it may reach, in bytes.</summary>
    public int LongestBytes => _secrets is [var longest, ..] ? Encoding.UTF8.GetByteCount(longest) : 0;

    /// <summary>The values of the pool's configured headers and the runner token.</summary>
    public static SecretMask Of(ServerlessTarget target, ControlOptions control)
    {
        // "Bearer abc": an endpoint may well repeat only the abc.
        var sent = target.Config.Headers.Values.SelectMany(v => new[] { v, v[(v.LastIndexOf(' ') + 1)..] });
        return new(ServerlessRequest.Token(control) is { } token ? sent.Append(token) : sent);
    }

    /// <summary>The start of a text, without secrets and at most <paramref name="maxBytes"/> bytes of UTF-8.</summary>
    [return: NotNullIfNotNull(nameof(text))]
    public string? Clean(string? text, int maxBytes)
    {
        if (text is null)
        {
            return null;
        }

        var kept = Utf8Prefix.Of(text, maxBytes);
        if (!_secrets.Any(s => text.Contains(s, StringComparison.Ordinal)))
        {
            return kept;
        }

        var clean = new StringBuilder(kept.Length);
        for (var i = 0; i < kept.Length;)
        {
            if (Array.Find(_secrets, s => text.AsSpan(i).StartsWith(s, StringComparison.Ordinal)) is { } secret)
            {
                clean.Append(Hidden);
                i += secret.Length;
            }
            else
            {
                clean.Append(text[i++]);
            }
        }

        return Utf8Prefix.Of(clean.ToString(), maxBytes);
    }
}
