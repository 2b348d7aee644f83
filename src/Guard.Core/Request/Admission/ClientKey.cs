using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Guard.Core.Request.Admission;

/// <summary>
/// Who counts as one client: an IPv4 address, or the first 64 bits of an IPv6 address, which is what one subscriber is given (RFC 6177) and
/// may draw addresses from as it likes.
/// </summary>
internal readonly record struct ClientKey(UInt128 Value)
{
    /// <param name="address">In plain form; null, where there is no socket, is a client of its own.</param>
    public static ClientKey Of(IPAddress? address)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        if (address is null || !address.TryWriteBytes(bytes, out _))
        {
            return default;
        }

        // No IPv6 network and no IPv4 address have the same key: the last byte tells them apart.
        var isV4 = address.AddressFamily == AddressFamily.InterNetwork;
        bytes[8..].Clear();
        bytes[15] = isV4 ? (byte)4 : (byte)6;
        return new(BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }
}
