using System.Net;
using System.Net.Sockets;

namespace Guard.Core.Net;

/// <summary>Guard's own listening addresses: a runner endpoint that leads back to one of them would make Guard call itself. Immutable;
/// thread-safe.</summary>
internal sealed class OwnListeners(IEnumerable<IPEndPoint> endPoints)
{
    public static readonly OwnListeners None = new([]);

    private readonly IPEndPoint[] _endPoints = endPoints.Select(e => new IPEndPoint(AddressRange.Plain(e.Address), e.Port)).ToArray();

    /// <param name="address">In plain form.</param>
    /// <param name="port">The port called.</param>
    public bool Match(IPAddress address, int port)
    {
        foreach (var own in _endPoints)
        {
            if (own.Port == port && (own.Address.Equals(address) || IsAny(address) || (IsAny(own.Address) && IsLocal(address))))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    /// <summary>An address is this machine's when a socket can be bound to it: always up to date, and asked only where the port is Guard's.</summary>
    private static bool IsLocal(IPAddress address)
    {
        if (IPAddress.IsLoopback(address))
        {
            return true;
        }

        try
        {
            using var probe = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            probe.Bind(new IPEndPoint(address, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
