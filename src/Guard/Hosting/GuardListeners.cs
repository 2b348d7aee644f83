using System.Net;
using System.Net.Sockets;
using Guard.Configuration;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Guard.Hosting;

/// <summary>The listeners of this process with the addresses they are bound to, which differ from the configured ones where the port
/// is 0. Filled while the server starts, complete once it has. Thread-safe.</summary>
internal sealed class GuardListeners
{
    private readonly Lock _lock = new();
    private readonly List<(EndpointRoleFeature Endpoint, ListenOptions Listener, bool IsTls)> _listeners = [];
    private readonly List<(EndpointRole? Role, Socket Socket)> _sockets = [];

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

    /// <summary>Remembers a socket, made for <see cref="SocketTransportOptions.CreateBoundListenSocket"/>, with the role of its listener.</summary>
    public Socket Bound(EndPoint endPoint, Socket socket)
    {
        lock (_lock)
        {
            _sockets.Add((RoleOf(endPoint), socket));
        }

        return socket;
    }

    /// <summary>Closes the listening sockets of a role: further connections are refused, those accepted live on. The server takes it for
    /// the end of that listener and of no other.</summary>
    public void StopAccepting(EndpointRole role)
    {
        lock (_lock)
        {
            foreach (var (_, socket) in _sockets.Where(s => s.Role == role))
            {
                socket.Dispose();
            }
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

    /// <summary>The server binds the very object a listener was made with, except for <c>localhost</c> and where IPv6 is missing: those
    /// are told by their port, which cannot be 0 or taken twice.</summary>
    private EndpointRole? RoleOf(EndPoint endPoint)
    {
        var listener = _listeners.Find(l => ReferenceEquals(l.Listener.EndPoint, endPoint));
        listener = listener.Endpoint is not null || endPoint is not IPEndPoint bound ? listener : _listeners.Find(l => l.Listener.IPEndPoint?.Port == bound.Port);
        return listener.Endpoint?.Role;
    }

    private static Uri UrlOf(IPEndPoint bound, bool isTls)
    {
        var address = bound.Address.Equals(IPAddress.Any) ? IPAddress.Loopback : bound.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : bound.Address;
        return new UriBuilder(isTls ? "https" : "http", address.ToString(), bound.Port).Uri;
    }
}
