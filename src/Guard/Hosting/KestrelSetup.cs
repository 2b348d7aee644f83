using System.Net;
using System.Net.Sockets;
using System.Text;
using Guard.Configuration;
using Guard.Core.Options;
using Guard.Tls;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Guard.Hosting;

/// <summary>Kestrel as an edge needs it: named endpoints with roles, strict parsing, bounded buffers.</summary>
internal static class KestrelSetup
{
    private const string StrictLines = "Microsoft.AspNetCore.Server.Kestrel.DisableHttp1LineFeedTerminators";

    /// <summary>What a client may send before anybody reads it. A client that goes away is noticed at once only while no more than
    /// this is unread, and held requests are not read.</summary>
    private const int MaxUnreadBytes = 64 * 1024;

    /// <summary>The query form carries a key of up to 1024 bytes, percent-encoded, and an input.</summary>
    private const int MaxRequestLineBytes = 16 * 1024;

    /// <param name="certificates">For https endpoints without a certificate of their own; null when there are none.</param>
    public static void AddTo(WebApplicationBuilder builder, GuardOptions options, GuardListeners listeners, ServerCertificates? certificates)
    {
        // A bare LF that ends a line is one of the readings two servers may not share.
        AppContext.SetSwitch(StrictLines, true);
        SocketScheduling.PreferInline(builder.Services);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;

            // The authority of an absolute-form target counts, whatever Host says (RFC 9112 3.2.2); the runner gets it as its Host.
            kestrel.AllowHostHeaderOverride = true;
            kestrel.RequestHeaderEncodingSelector = static name => StrictContentLength.Select(name) ?? EdgeHeaderEncoding.Select(name);
            kestrel.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1;
            kestrel.Limits.MaxRequestBodySize = options.Limits.MaxRequestBodyBytes;
            kestrel.Limits.MaxRequestBufferSize = MaxUnreadBytes;
            kestrel.Limits.MaxRequestLineSize = MaxRequestLineBytes;
            kestrel.Limits.MaxRequestHeadersTotalSize = options.Limits.MaxRequestHeaderBytes;
            kestrel.Limits.MaxRequestHeaderCount = options.Limits.MaxRequestHeaders;
            SetTimeouts(kestrel.Limits, options.Limits);
            AddEndpoints(kestrel, builder.Configuration, listeners, options.Limits, certificates);
        });
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.CreateBoundListenSocket = endPoint => listeners.Bound(endPoint, Listen(endPoint, options.Limits)));
    }

    private static void SetTimeouts(KestrelServerLimits kestrel, LimitsOptions limits)
    {
        kestrel.RequestHeadersTimeout = limits.RequestHeadersTimeout;
        kestrel.KeepAliveTimeout = limits.KeepAliveTimeout;
        kestrel.MinResponseDataRate = limits.MinResponseBytesPerSecond == 0 ? null : new MinDataRate(limits.MinResponseBytesPerSecond, limits.RateGracePeriod);

        // Without a limit of its own the gateway lifts this one, request by request; the control API keeps it.
        kestrel.MinRequestBodyDataRate = limits.MinRequestBytesPerSecond == 0
            ? kestrel.MinRequestBodyDataRate
            : new MinDataRate(limits.MinRequestBytesPerSecond, limits.RateGracePeriod);
        kestrel.Http2.KeepAlivePingDelay = limits.ProbeIdleAfter;
    }

    /// <summary>Accepted sockets take over what the listening one has. A client that vanished without a word is noticed on idle WebSockets
    /// and event streams too, which have no time limit.</summary>
    private static Socket Listen(EndPoint endPoint, LimitsOptions limits)
    {
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);
        if (endPoint is IPEndPoint)
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, (int)limits.ProbeIdleAfter.TotalSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 10);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 6);
        }

        return socket;
    }

    private static void AddEndpoints(
        KestrelServerOptions kestrel, ConfigurationManager configuration, GuardListeners listeners, LimitsOptions limits, ServerCertificates? certificates)
    {
        var connections = kestrel.ApplicationServices.GetRequiredService<GatewayConnections>();
        var admitted = kestrel.ApplicationServices.GetRequiredService<ConnectionLimits>();

        // Kestrel's own reload binds endpoints without the checks of a start and resets what is under way.
        var loader = kestrel.Configure(configuration.GetSection("Kestrel"), reloadOnChange: false);
        foreach (var endpoint in GuardEndpoints.Read(configuration))
        {
            var feature = new EndpointRoleFeature(endpoint.Name, endpoint.Role);
            loader.Endpoint(endpoint.Name, settings =>
            {
                listeners.Add(feature, settings.ListenOptions, settings.IsHttps);
                settings.ListenOptions.Use(next => connection =>
                {
                    connection.Features.Set(feature);
                    connection.Features.Set(new StreamResets(limits.MaxStreamResets));
                    return feature.Role == EndpointRole.Gateway ? admitted.ServeAsync(connection, open => connections.ServeAsync(open, next)) : next(connection);
                });
                if (certificates is not null && settings.IsHttps && !TlsListener.HasOwnCertificate(settings.ConfigSection))
                {
                    TlsListener.Use(settings, certificates);
                }
            });
        }
    }
}
