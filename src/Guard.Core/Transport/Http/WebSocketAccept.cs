using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Net.Http.Headers;

namespace Guard.Core.Transport.Http;

/// <summary>Whether a runner's 101 is the answer to the handshake it was sent (RFC 6455 4.1): anything may answer 101, and what follows
/// would reach the client as frames.</summary>
internal static class WebSocketAccept
{
    /// <summary>A key is the base64 of 16 bytes; what is far from that was never a handshake.</summary>
    private const int MaxKeyLength = 64;

    private static ReadOnlySpan<byte> Suffix => "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"u8;

    public static bool Answers(HttpResponseMessage reply)
        => ResponseHeaders.Values(reply.Headers, HeaderNames.Upgrade).ToString().Trim().Equals("websocket", StringComparison.OrdinalIgnoreCase)
            && UpgradeRules.AsksForUpgrade(ResponseHeaders.Values(reply.Headers, HeaderNames.Connection))
            && reply.RequestMessage is { } request
            && Matches(
                ResponseHeaders.Values(request.Headers, HeaderNames.SecWebSocketKey).ToString(),
                ResponseHeaders.Values(reply.Headers, HeaderNames.SecWebSocketAccept).ToString());

    [SuppressMessage("Security", "CA5350", Justification = "The WebSocket protocol uses SHA-1 as a proof of reading, not as protection.")]
    public static bool Matches(string key, string accept)
    {
        if (key.Length is 0 or > MaxKeyLength)
        {
            return false;
        }

        Span<byte> text = stackalloc byte[MaxKeyLength + 36];
        var length = Encoding.Latin1.GetBytes(key, text);
        Suffix.CopyTo(text[length..]);
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
        SHA1.HashData(text[..(length + Suffix.Length)], hash);
        Span<char> expected = stackalloc char[28];
        return Convert.TryToBase64Chars(hash, expected, out _) && expected.SequenceEqual(accept);
    }
}
