namespace Guard.Core.Transport.WebSockets;

/// <summary>
/// Knows where in a stream of WebSocket frames (RFC 6455 5.2) the bytes that went by have ended. Reads headers only; payloads are counted,
/// not looked at. What is no valid frame is followed all the same, by the length it claims. Not thread-safe.
/// </summary>
internal struct FrameTracker
{
    private const int CloseOpcode = 8;

    private Part _next;
    private byte _opcode;
    private bool _isMasked;

    /// <summary>Bytes left of the part the stream is in.</summary>
    private int _headerLeft;
    private ulong _length;

    private enum Part : byte
    {
        /// <summary>FIN, RSV and opcode: the boundary between two frames.</summary>
        First,

        /// <summary>MASK and the short length.</summary>
        Second,
        ExtendedLength,
        MaskingKey,
        Payload,
    }

    /// <summary>The next byte begins a frame.</summary>
    public readonly bool IsAtBoundary => _next == Part.First;

    /// <summary>A whole close frame went by: its sender sends nothing after it.</summary>
    public bool SawClose { get; private set; }

    /// <summary>Follows all of <paramref name="bytes"/>.</summary>
    public void Advance(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[AdvanceToBoundary(bytes)..];
        }
    }

    /// <summary>Follows bytes to the end of the frame they are in, or begin; how many those were. All of them when the frame goes on.</summary>
    public int AdvanceToBoundary(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        while (at < bytes.Length)
        {
            if (_next == Part.Payload)
            {
                var count = (int)Math.Min(_length, (ulong)(bytes.Length - at));
                _length -= (ulong)count;
                at += count;
            }
            else
            {
                ReadHeader(bytes[at++]);
            }

            if (_next == Part.Payload && _length == 0)
            {
                _next = Part.First;
                SawClose |= _opcode == CloseOpcode;
                return at;
            }
        }

        return at;
    }

    private void ReadHeader(byte value)
    {
        switch (_next)
        {
            case Part.First:
                _opcode = (byte)(value & 0x0F);
                _next = Part.Second;
                break;
            case Part.Second:
                _isMasked = (value & 0x80) != 0;
                _length = (ulong)(value & 0x7F);
                _headerLeft = _length switch { 126 => 2, 127 => 8, _ => 0 };
                if (_headerLeft > 0)
                {
                    _length = 0;
                    _next = Part.ExtendedLength;
                }
                else
                {
                    EndLength();
                }

                break;
            case Part.ExtendedLength:
                _length = (_length << 8) | value;
                if (--_headerLeft == 0)
                {
                    EndLength();
                }

                break;
            case Part.MaskingKey:
                if (--_headerLeft == 0)
                {
                    _next = Part.Payload;
                }

                break;
        }
    }

    private void EndLength()
    {
        _headerLeft = _isMasked ? 4 : 0;
        _next = _isMasked ? Part.MaskingKey : Part.Payload;
    }
}
