using System.Net;
using Guard.Core.Diagnostics;
using Guard.Core.Net;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Core.Transport.Http;
using Microsoft.AspNetCore.Connections;

namespace Guard.Hosting;

/// <summary>
/// How many connections gateway listeners have open, in all and from one address (<c>Limits:Connections*</c>, followed as they are
/// reloaded). Those beyond are closed before a byte of them is read, TLS included. Thread-safe.
/// </summary>
internal sealed class ConnectionLimits(LiveOptions options, TrustedProxies trusted, GuardMetrics metrics)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ClientKey, int> _perClient = [];
    private int _all;

    public async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var peer = connection.RemoteEndPoint is IPEndPoint remote ? AddressRange.Plain(remote.Address) : null;
        var client = ClientKey.Of(peer);
        if (!TryEnter(client, isProxy: trusted.Contains(peer)))
        {
            metrics.LimitRejected("connections");
            connection.Abort(new ConnectionAbortedException("too many connections"));
            return;
        }

        try
        {
            await next(connection);
        }
        finally
        {
            Exit(client);
        }
    }

    private bool TryEnter(ClientKey client, bool isProxy)
    {
        var limits = options.Current.Limits;
        lock (_gate)
        {
            var ofClient = _perClient.GetValueOrDefault(client);
            if ((limits.Connections != 0 && _all >= limits.Connections)
                || (!isProxy && limits.ConnectionsPerClient != 0 && ofClient >= limits.ConnectionsPerClient))
            {
                return false;
            }

            _all++;
            _perClient[client] = ofClient + 1;
            return true;
        }
    }

    private void Exit(ClientKey client)
    {
        lock (_gate)
        {
            _all--;
            var left = _perClient[client] - 1;
            if (left == 0)
            {
                _perClient.Remove(client);
            }
            else
            {
                _perClient[client] = left;
            }
        }
    }
}
