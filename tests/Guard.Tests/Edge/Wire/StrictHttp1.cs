using System.Buffers;
using System.Globalization;
using System.Text;

namespace Guard.Tests.Edge.Wire;

internal enum WireEnd
{
    /// <summary>Nothing is left.</summary>
    Clean,

    /// <summary>More bytes could make it a message.</summary>
    Incomplete,

    /// <summary>No bytes could: it has to be refused.</summary>
    Invalid,
}

/// <summary>
/// HTTP/1 read as strictly as docs/contract.md, section 3, asks, and by nobody's code but this: what the tests hold Guard against, on both sides of
/// it. Where RFC 9112 leaves a choice, the one that refuses.
/// </summary>
internal static class StrictHttp1
{
    private const string TokenCharacters = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private static readonly SearchValues<char> Token = SearchValues.Create(TokenCharacters);
    private static readonly SearchValues<byte> NotInLines = SearchValues.Create("\0\r\n"u8);
    private static readonly SearchValues<byte> LineEnds = SearchValues.Create("\r\n"u8);

    /// <summary>Every whole request of a stream of bytes, and how the stream goes on after the last.</summary>
    /// <param name="tail">The request at the end whose head is whole and whose body is not; null when there is none.</param>
    public static List<WireRequest> ReadAll(ReadOnlySpan<byte> bytes, out WireEnd end, out WireRequest? tail)
    {
        var requests = new List<WireRequest>();
        tail = null;
        while (true)
        {
            // Empty lines between messages are nothing, and are not passed on (RFC 9112 2.2); the server skips even halves of them.
            bytes = bytes.TrimStart("\r\n"u8);
            if (bytes.IsEmpty)
            {
                end = WireEnd.Clean;
                return requests;
            }

            end = Read(bytes, out var request, out var length);
            if (end != WireEnd.Clean)
            {
                tail = request;
                return requests;
            }

            requests.Add(request!);
            bytes = bytes[length..];
        }
    }

    /// <summary>One request from the start of <paramref name="bytes"/>.</summary>
    public static WireEnd Read(ReadOnlySpan<byte> bytes, out WireRequest? request, out int length)
    {
        request = null;
        length = 0;
        var result = ReadHead(bytes, out var lines, out var bodyStart);
        if (result != WireEnd.Clean)
        {
            return result;
        }

        // Any number of spaces before the version: the target has none, so there is nothing to misread (RFC 9112 3).
        var versionAt = lines[0].LastIndexOf(' ');
        var requestLine = versionAt < 0 ? lines[0] : lines[0][..versionAt].TrimEnd(' ') + lines[0][versionAt..];
        if (requestLine.Split(' ') is not [{ Length: > 0 } method, { Length: > 0 } target, { } version]
            || version is not ("HTTP/1.1" or "HTTP/1.0")
            || method.AsSpan().ContainsAnyExcept(Token)
            || target.Any(c => c is < '!' or > '~')
            || ReadHeaders(lines.Skip(1)) is not { } headers)
        {
            return WireEnd.Invalid;
        }

        var head = new WireRequest(method, target, version, headers, [], IsComplete: false);
        if (Framing(head) is not { } framing)
        {
            return WireEnd.Invalid;
        }

        var rest = bytes[bodyStart..];
        var end = framing.Chunked ? ReadChunks(rest, out var body, out var used)
            : ReadPlain(rest, framing.Length, out body, out used);
        request = head with { Body = body, IsComplete = end == WireEnd.Clean };
        length = bodyStart + used;
        return end;
    }

    /// <summary>Every reply of a client's connection that has ended; those to HEAD are not expected. False when there is anything but whole replies.</summary>
    public static bool TryReadReplies(ReadOnlySpan<byte> bytes, out List<WireReply> replies)
    {
        replies = [];
        while (!bytes.IsEmpty)
        {
            if (ReadHead(bytes, out var lines, out var bodyStart) != WireEnd.Clean
                || lines[0] is not ['H', 'T', 'T', 'P', '/', '1', '.', '1', ' ', _, _, _, ' ', ..]
                || !int.TryParse(lines[0].AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var status)
                || ReadHeaders(lines.Skip(1)) is not { } headers)
            {
                return false;
            }

            var reply = new WireReply(status, headers, []);
            var rest = bytes[bodyStart..];
            byte[] body;
            int used;
            if (status is < 200 or 204 or 205 or 304)
            {
                (body, used) = ([], 0);
            }
            else if (reply.Values("transfer-encoding") is ["chunked"])
            {
                if (ReadChunks(rest, out body, out used) != WireEnd.Clean)
                {
                    return false;
                }
            }
            else if (reply.Values("content-length") is [var length])
            {
                if (ReadPlain(rest, long.Parse(length, NumberStyles.None, CultureInfo.InvariantCulture), out body, out used) != WireEnd.Clean)
                {
                    return false;
                }
            }
            else
            {
                (body, used) = (rest.ToArray(), rest.Length);
            }

            replies.Add(reply with { Body = body });
            bytes = rest[used..];
        }

        return true;
    }

    /// <summary>The lines up to the empty one. A line ends in CRLF; a CR, LF or NUL anywhere else is an error.</summary>
    public static WireEnd ReadHead(ReadOnlySpan<byte> bytes, out List<string> lines, out int length)
    {
        lines = [];
        length = 0;
        while (true)
        {
            var result = ReadLine(bytes[length..], out var line, out var used);
            if (result != WireEnd.Clean)
            {
                return result;
            }

            length += used;
            if (line.Length == 0)
            {
                return lines.Count > 0 ? WireEnd.Clean : WireEnd.Invalid;
            }

            lines.Add(line);
        }
    }

    private static WireEnd ReadLine(ReadOnlySpan<byte> bytes, out string line, out int used) => ReadLine(bytes, NotInLines, out line, out used);

    private static WireEnd ReadLine(ReadOnlySpan<byte> bytes, SearchValues<byte> special, out string line, out int used)
    {
        (line, used) = ("", 0);
        var at = bytes.IndexOfAny(special);
        if (at < 0 || (at == bytes.Length - 1 && bytes[at] == '\r'))
        {
            return WireEnd.Incomplete;
        }

        if (bytes[at] != '\r' || bytes[at + 1] != '\n')
        {
            return WireEnd.Invalid;
        }

        line = Encoding.Latin1.GetString(bytes[..at]);
        used = at + 2;
        return WireEnd.Clean;
    }

    private static List<WireHeader>? ReadHeaders(IEnumerable<string> lines)
    {
        var headers = new List<WireHeader>();
        foreach (var line in lines)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || line.AsSpan(0, colon).ContainsAnyExcept(Token))
            {
                return null;
            }

            headers.Add(new WireHeader(line[..colon], line[(colon + 1)..].Trim(' ', '\t')));
        }

        return headers;
    }

    private static (bool Chunked, long Length)? Framing(WireRequest head)
    {
        var hosts = head.Values("host");
        if (hosts.Length > 1 || (hosts.Length == 0 && head.Version == "HTTP/1.1") || (hosts is [""] && !head.Target.Contains("://", StringComparison.Ordinal)))
        {
            return null;
        }

        var codings = head.Values("transfer-encoding");
        var lengths = head.Values("content-length");
        var hasBody = codings.Length > 0 || lengths is not ([] or ["0"]);
        var asksForUpgrade = head.Values("connection").SelectMany(v => v.Split(',')).Any(t => t.Trim(' ', '\t').Equals("upgrade", StringComparison.OrdinalIgnoreCase));
        var upgrades = head.Values("upgrade");
        if (asksForUpgrade && upgrades.Length > 0
            && (hasBody || upgrades is not [var protocol] || !protocol.Equals("websocket", StringComparison.OrdinalIgnoreCase)))
        {
            return null;
        }

        if (codings.Length > 0)
        {
            return codings is ["chunked"] && lengths.Length == 0 && head.Version == "HTTP/1.1" ? (true, 0) : null;
        }

        if (lengths.Length == 0)
        {
            return (false, 0);
        }

        return lengths is [{ Length: > 0 } only] && only.All(char.IsAsciiDigit) && long.TryParse(only, NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            ? (false, length)
            : null;
    }

    private static WireEnd ReadPlain(ReadOnlySpan<byte> bytes, long length, out byte[] body, out int used)
    {
        used = (int)Math.Min(length, bytes.Length);
        body = bytes[..used].ToArray();
        return used == length ? WireEnd.Clean : WireEnd.Incomplete;
    }

    private static WireEnd ReadChunks(ReadOnlySpan<byte> bytes, out byte[] body, out int used)
    {
        var whole = new ArrayBufferWriter<byte>();
        body = [];
        used = 0;
        while (true)
        {
            // A NUL in an extension is one more byte of what nobody reads.
            var result = ReadLine(bytes[used..], LineEnds, out var line, out var lineLength);
            var size = -1L;
            if (result == WireEnd.Clean && !TryReadSize(line, out size))
            {
                result = WireEnd.Invalid;
            }

            if (result != WireEnd.Clean)
            {
                body = whole.WrittenSpan.ToArray();
                return result;
            }

            used += lineLength;
            if (size == 0)
            {
                body = whole.WrittenSpan.ToArray();
                return ReadTrailers(bytes, ref used);
            }

            var available = (int)Math.Min(size, bytes.Length - used);
            whole.Write(bytes.Slice(used, available));
            used += available;
            var end = bytes[used..];
            body = whole.WrittenSpan.ToArray();
            if (available < size || end.Length == 0 || (end.Length == 1 && end[0] == '\r'))
            {
                return WireEnd.Incomplete;
            }

            if (!end.StartsWith("\r\n"u8))
            {
                return WireEnd.Invalid;
            }

            used += 2;
        }
    }

    private static bool TryReadSize(string line, out long size)
    {
        // Whitespace before an extension is the grammar's (RFC 9112 7.1.1).
        var digits = line.Split(';', 2)[0].TrimEnd(' ', '\t');
        return long.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out size)
            && size is >= 0 and <= int.MaxValue && digits.All(char.IsAsciiHexDigit);
    }

    private static WireEnd ReadTrailers(ReadOnlySpan<byte> bytes, ref int used)
    {
        while (true)
        {
            var result = ReadLine(bytes[used..], out var line, out var length);
            if (result != WireEnd.Clean)
            {
                return result;
            }

            used += length;
            if (line.Length == 0)
            {
                return WireEnd.Clean;
            }

            if (ReadHeaders([line]) is null)
            {
                return WireEnd.Invalid;
            }
        }
    }
}
