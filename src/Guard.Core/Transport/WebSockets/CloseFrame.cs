using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Guard.Core.Transport.WebSockets;

/// <summary>Writes the one frame Guard ever adds to a WebSocket.</summary>
internal static class CloseFrame
{
    public const ushort GoingAway = 1001;

    public const ushort InternalError = 1011;

    private const byte FinalClose = 0x88;

    private const byte Masked = 0x80;

    /// <param name="code">Of RFC 6455 7.4.</param>
    /// <param name="reason">At most 123 bytes as UTF-8.</param>
    /// <param name="fromClient">The frame goes to the runner, as a client's: those are masked.</param>
    public static byte[] Create(ushort code, string reason, bool fromClient)
    {
        var length = 2 + Encoding.UTF8.GetByteCount(reason);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, 125, nameof(reason));
        var frame = new byte[2 + (fromClient ? 4 : 0) + length];
        var payload = frame.AsSpan(frame.Length - length);
        BinaryPrimitives.WriteUInt16BigEndian(payload, code);
        Encoding.UTF8.GetBytes(reason, payload[2..]);
        frame[0] = FinalClose;
        frame[1] = (byte)((fromClient ? Masked : 0) | length);
        if (fromClient)
        {
            var key = frame.AsSpan(2, 4);
            RandomNumberGenerator.Fill(key);
            for (var i = 0; i < length; i++)
            {
                payload[i] ^= key[i % 4];
            }
        }

        return frame;
    }
}
