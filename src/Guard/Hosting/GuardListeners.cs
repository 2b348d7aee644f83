using System.Net;
using Guard.Configuration;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Guard.Hosting;

/// <summary>The listeners of this process with the addresses they are bound to, which differ from the configured ones where the port
/// is 0. Filled while the server starts, complete once it has. Thread-safe.</summary>
internal sealed class GuardListeners
{
    private readonly Lock _lock = new();
    private readonly List<(EndpointRoleFeature Endpoint, ListenOptions Listener, bool IsTls)> _listeners = [];

    /// <summary>All bound addresses; unix sockets are left out.</summary>
    public IReadOnlyList<IPEndPoint> Addresses
    {
        get
        {
            lock (_lock)
            {
                return [.. _listeners.Select(l => l.Listener.IPEndPoint).OfType<IPEndPoint>()];
            }
        }
    }

    public void Add(EndpointRoleFeature endpoint, ListenOptions listener, bool isTls)
    {
        lock (_lock)
        {
            _listeners.Add((endpoint, listener, isTls));
        }
    }

    /// <summary>The URLs under which a role can be called from this machine: an unspecified address is written as loopback.</summary>
    public IReadOnlyList<Uri> UrlsOf(EndpointRole role)
    {
        lock (_lock)
        {
            return [.. _listeners.Where(l => l.Endpoint.Role == role && l.Listener.IPEndPoint is not null).Select(l => UrlOf(l.Listener.IPEndPoint!, l.IsTls))];
        }
    }

    /// <summary>For the log: every listener by name.</summary>
    public override string ToString()
    {
        lock (_lock)
        {
            return string.Join(", ", _listeners.Select(l => $"{l.Endpoint.Name} ({l.Endpoint.Role.ToString().ToLowerInvariant()}) {(l.IsTls ? "https" : "http")}://{l.Listener.EndPoint}"));
        }
    }

    private static Uri UrlOf(IPEndPoint bound, bool isTls)
    {
        var address = bound.Address.Equals(IPAddress.Any) ? IPAddress.Loopback : bound.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : bound.Address;
        return new UriBuilder(isTls ? "https" : "http", address.ToString(), bound.Port).Uri;
    }
}
