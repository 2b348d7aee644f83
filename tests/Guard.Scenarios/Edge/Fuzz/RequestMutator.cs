using System.Text;

namespace Guard.Scenarios.Edge.Fuzz;

/// <summary>
/// Makes the requests of one connection: a few well-formed ones, pipelined, then some mutations of their bytes. The same seed makes the
/// same bytes. The mutations know what servers disagree about: line ends, lengths, codings, names, chunk lines, targets.
/// </summary>
internal sealed class RequestMutator(string actorId)
{
    private static readonly string[] Spices =
    [
        "\r", "\n", "\r\n", "\r\n\r\n", "\n\n", "\0", "\t", " ", "\u000b", "\u000c", "\u007f", "\u00a0", "\u0085", ":", ";", ",", "\"", "\\", "/", "//", "%00", "%2e", "%2F", "..", "..;/",
        "?", "#", "@", "+", "-", "_", "0", "5", "0x", "FFFFFFFF", "chunked", "identity", "close", "upgrade", "0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n",
        "Content-Length: 5\r\n", "Content-Length: 0\r\n", "content-length:7\r\n", "Transfer-Encoding: chunked\r\n", "transfer-encoding:\tchunked\r\n",
        "Transfer-Encoding: identity\r\n", "Host: b\r\n", "Connection: close\r\n", "Connection: x-a, content-length\r\n", "Connection: Upgrade\r\nUpgrade: websocket\r\n",
        "Expect: 100-continue\r\n", "x-rivet-actor: evil\r\n", "x-forwarded-for: 9.9.9.9\r\n", "x_rivet_actor: evil\r\n", "X : y\r\n", " folded\r\n", "X-Content-Length: 3\r\n",
        "Trailer: x\r\n", "TE: trailers\r\n", "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", " HTTP/1.1\r\n", " HTTP/1.0\r\n", "rvt-token=t&", "&&", "/.guard/",
    ];

    public byte[] Make(int seed)
    {
        var random = new Random(seed);
        var bytes = new List<byte>(1024);
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            bytes.AddRange(Encoding.Latin1.GetBytes(One(random)));
        }

        for (var i = random.Next(4); i > 0; i--)
        {
            Mutate(bytes, random);
        }

        // The last word, so that every connection ends by itself.
        bytes.AddRange(Encoding.Latin1.GetBytes($"GET /gateway/{actorId}/last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        return [.. bytes];
    }

    private string One(Random random)
    {
        var target = random.Next(6) switch
        {
            0 => "/request/p?q=1",
            1 => $"http://a/gateway/{actorId}/abs?x=%20+y",
            2 => $"/gateway/{actorId}@tok/with-token",
            3 => $"/gateway/{actorId}?only=query",
            _ => $"/gateway/{actorId}/p%2Fq/./r?a=1&&b=",
        };
        var head = $"{(random.Next(2) == 0 ? "GET" : "POST")} {target} HTTP/1.1\r\nHost: a\r\n"
            + (target[1] == 'r' ? $"x-rivet-target: actor\r\nx-rivet-actor: {actorId}\r\n" : "")
            + (random.Next(2) == 0 ? "x-a: 1\r\nX-B: two words\r\nx-a: 2\r\n" : "Accept: */*\r\n");
        return random.Next(5) switch
        {
            0 => head + "\r\n",
            1 => head + "Content-Length: 5\r\n\r\nhello",
            2 => head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            3 => head + "Transfer-Encoding: chunked\r\n\r\n3;ext=\"q\"\r\nabc\r\nA\r\n0123456789\r\n0\r\nx-trailer: t\r\n\r\n",
            _ => head + "Connection: keep-alive, x-named\r\nx-named: n\r\nContent-Length: 2\r\n\r\n\r\n",
        };
    }

    private static void Mutate(List<byte> bytes, Random random)
    {
        // Near the start, where the heads are, more often than in the bodies.
        var at = random.Next(random.Next(2) == 0 ? Math.Min(bytes.Count, 120) : bytes.Count);
        switch (random.Next(8))
        {
            case 0:
                bytes[at] = (byte)random.Next(256);
                break;
            case 1:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 2:
                bytes.RemoveAt(at);
                break;
            case 3:
                bytes.Insert(at, bytes[random.Next(bytes.Count)]);
                break;
            case 4:
                InsertLine(bytes, at, random);
                break;
            case 5:
                bytes.InsertRange(at, Encoding.Latin1.GetBytes(Spices[random.Next(Spices.Length)]));
                break;
            case 6:
                var length = Math.Min(random.Next(1, 24), bytes.Count - at);
                bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, length));
                break;
            default:
                bytes.RemoveRange(at, Math.Min(random.Next(1, 8), bytes.Count - at));
                break;
        }
    }

    /// <summary>Behind a line end: whole header lines land where header lines are.</summary>
    private static void InsertLine(List<byte> bytes, int at, Random random)
    {
        var lineEnd = bytes.IndexOf((byte)'\n', at);
        bytes.InsertRange(lineEnd < 0 ? at : lineEnd + 1, Encoding.Latin1.GetBytes(Spices[random.Next(Spices.Length)]));
    }
}
