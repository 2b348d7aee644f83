using System.Net;
using System.Net.Sockets;

namespace Guard.Core.Net;

/// <summary>The addresses no runner has any business at, unless an operator lists them: they reach the machine's own platform.</summary>
internal static class AddressRange
{
    private static readonly IPNetwork[] Reserved =
    [
        IPNetwork.Parse("0.0.0.0/8"), // unspecified, "this network" (RFC 1122): connects to the machine itself
        IPNetwork.Parse("::/128"), // unspecified (RFC 4291)
        IPNetwork.Parse("169.254.0.0/16"), // link-local (RFC 3927); holds the metadata address of most clouds (169.254.169.254) and of ECS tasks (169.254.170.2)
        IPNetwork.Parse("fe80::/10"), // link-local (RFC 4291)
        IPNetwork.Parse("fd00:ec2::/64"), // AWS: instance metadata (::254) and task credentials (::23) over IPv6
        IPNetwork.Parse("fd20:ce::254/128"), // Google Cloud: metadata over IPv6
        IPNetwork.Parse("fd00:42::42/128"), // Scaleway: metadata over IPv6
        IPNetwork.Parse("100.100.100.200/32"), // Alibaba Cloud: metadata
        IPNetwork.Parse("168.63.129.16/32"), // Azure: the host's wire server
        IPNetwork.Parse("192.0.0.192/32"), // Oracle Cloud Classic: metadata
    ];

    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96"); // RFC 6052
    private static readonly IPNetwork Compatible = IPNetwork.Parse("::/96"); // IPv4-compatible, deprecated (RFC 4291)

    /// <summary>True for unspecified, link-local and cloud metadata addresses, in each form that leads to one.</summary>
    public static bool IsReserved(IPAddress address)
    {
        address = Plain(address);
        foreach (var range in Reserved)
        {
            if (range.Contains(address))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The IPv4 address inside a mapped, compatible or NAT64 form; without a scope; any other address as it is.</summary>
    public static IPAddress Plain(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        var bare = address.ScopeId == 0 ? address : new IPAddress(bytes);
        var embeds = Nat64.Contains(bare) || (Compatible.Contains(bare) && !IPAddress.IPv6Loopback.Equals(bare) && !IPAddress.IPv6Any.Equals(bare));
        return embeds ? new IPAddress(bytes[12..]) : bare;
    }
}
