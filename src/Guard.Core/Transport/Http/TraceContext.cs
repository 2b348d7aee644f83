using System.Buffers;
using System.Diagnostics;
using Microsoft.Extensions.Primitives;

namespace Guard.Core.Transport.Http;

/// <summary>
/// W3C trace context of forwarded requests: a client's valid <c>traceparent</c> is continued under a new span, anything else starts a new
/// trace. With a trace listener attached, the span is the one of the server's own activity, so that runners hang below Guard.
/// </summary>
internal static class TraceContext
{
    private const int Length = 55;
    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    /// <summary>The <c>traceparent</c> to send.</summary>
    /// <param name="received">The client's header.</param>
    /// <param name="continued">Whether the client's trace goes on: only then does its <c>tracestate</c> mean anything.</param>
    public static string Next(StringValues received, out bool continued)
    {
        var activity = Activity.Current is { IdFormat: ActivityIdFormat.W3C } current ? current : null;
        var parent = received.Count == 1 ? received[0] : null;
        continued = parent is not null && IsValid(parent);
        if (continued)
        {
            return string.Create(Length, (parent, activity), static (span, state) =>
            {
                state.parent.AsSpan(0, Length).CopyTo(span);
                "00".CopyTo(span); // a higher version is continued in the form of the one Guard knows
                Span<char> trace = span.Slice(3, 32);
                WriteSpanId(span.Slice(36, 16), state.activity is { } a && trace.SequenceEqual(a.TraceId.ToHexString()) ? a : null);
                span[53] = '0';
                span[54] = "0123"[HexValue(span[54]) & 3]; // sampled and random; other flags have no meaning yet and must be zero
            });
        }

        return string.Create(Length, activity, static (span, activity) =>
        {
            "00-".CopyTo(span);
            if (activity is not null)
            {
                activity.TraceId.ToHexString().CopyTo(span[3..]);
            }
            else
            {
                WriteRandom(span.Slice(3, 32));
            }

            span[35] = '-';
            WriteSpanId(span.Slice(36, 16), activity);
            (activity is { Recorded: true } ? "-01" : "-00").CopyTo(span[52..]);
        });
    }

    /// <summary>Version 00 is exactly four fields; a higher one may have more behind a dash; <c>ff</c> and all-zero ids are invalid.</summary>
    internal static bool IsValid(ReadOnlySpan<char> text)
    {
        if (text.Length < Length
            || text[2] != '-' || text[35] != '-' || text[52] != '-'
            || text[..2].ContainsAnyExcept(LowerHex)
            || text.Slice(3, 32).ContainsAnyExcept(LowerHex)
            || text.Slice(36, 16).ContainsAnyExcept(LowerHex)
            || text.Slice(53, 2).ContainsAnyExcept(LowerHex))
        {
            return false;
        }

        return !text.StartsWith("ff")
            && text.Slice(3, 32).ContainsAnyExcept('0')
            && text.Slice(36, 16).ContainsAnyExcept('0')
            && (text.Length == Length || (!text.StartsWith("00") && text[Length] == '-'));
    }

    private static void WriteSpanId(Span<char> destination, Activity? activity)
    {
        if (activity is not null)
        {
            activity.SpanId.ToHexString().CopyTo(destination);
        }
        else
        {
            WriteRandom(destination);
        }
    }

    /// <summary>An id of hexadecimal digits; all zeros, which would be invalid, cannot come up.</summary>
    private static void WriteRandom(Span<char> destination)
    {
        Span<byte> bytes = stackalloc byte[destination.Length / 2];
        Random.Shared.NextBytes(bytes);
        bytes[0] |= 1;
        Convert.TryToHexStringLower(bytes, destination, out _);
    }

    private static int HexValue(char c) => c <= '9' ? c - '0' : c - 'a' + 10;
}
