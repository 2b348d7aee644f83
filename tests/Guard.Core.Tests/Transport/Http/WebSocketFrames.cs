using System.Buffers.Binary;

namespace Guard.Core.Tests.Transport.Http;

/// <summary>Random but valid streams of WebSocket frames, with the places where a frame ends.</summary>
internal sealed class WebSocketFrames
{
    private readonly List<byte> _bytes = [];
    private readonly List<int> _ends = [];

    public byte[] Bytes => [.. _bytes];

    /// <summary>Offsets just after each frame.</summary>
    public IReadOnlyList<int> Ends => _ends;

    /// <summary>Messages, some in fragments with control frames between them, of every form of length, masked or not.</summary>
    public static WebSocketFrames Random(Random random, int messages)
    {
        var frames = new WebSocketFrames();
        var masked = random.Next(2) == 0;
        for (var i = 0; i < messages; i++)
        {
            var fragments = random.Next(1, 4);
            for (var f = 0; f < fragments; f++)
            {
                frames.Add(random, f == fragments - 1, f == 0 ? 2 : 0, Length(random), masked);
                if (random.Next(3) == 0)
                {
                    frames.Add(random, isFinal: true, random.Next(9, 11), random.Next(126), masked);
                }
            }
        }

        return frames;
    }

    public void Add(Random random, bool isFinal, int opcode, int length, bool masked, bool longForm = false)
    {
        _bytes.Add((byte)((isFinal ? 0x80 : 0) | opcode));
        var mask = masked ? 0x80 : 0;
        Span<byte> extended = stackalloc byte[8];
        if (length > ushort.MaxValue || longForm)
        {
            _bytes.Add((byte)(mask | 127));
            BinaryPrimitives.WriteInt64BigEndian(extended, length);
            _bytes.AddRange(extended);
        }
        else if (length > 125)
        {
            _bytes.Add((byte)(mask | 126));
            BinaryPrimitives.WriteUInt16BigEndian(extended, (ushort)length);
            _bytes.AddRange(extended[..2]);
        }
        else
        {
            _bytes.Add((byte)(mask | length));
        }

        // Payloads are random, so that a tracker that reads them for headers goes astray.
        var rest = new byte[length + (masked ? 4 : 0)];
        random.NextBytes(rest);
        _bytes.AddRange(rest);
        _ends.Add(_bytes.Count);
    }

    private static int Length(Random random) => random.Next(6) switch
    {
        0 => 0,
        1 => random.Next(1, 126),
        2 => random.Next(126, 1000),
        3 => 125 + random.Next(3),
        4 => ushort.MaxValue - 1 + random.Next(3),
        _ => random.Next(1, 20),
    };
}
