using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Yarp.ReverseProxy.Forwarder;

namespace Guard.Baseline;

/// <summary>
/// YARP's forwarder and nothing around it, as YARP's page on direct forwarding shows it. Tuned: the same code with what Guard sets for the
/// whole process and its server, and none of what Guard does.
/// </summary>
internal static class BareProxy
{
    public static Task RunAsync(Arguments arguments)
    {
        var tuned = arguments.Has("--tuned");
        var builder = tuned ? Tuned() : WebApplication.CreateBuilder();

        // A line per request, which is YARP's default, would measure the console.
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLoopback(arguments));
        builder.Services.AddHttpForwarder();
        var app = builder.Build();
        var forwarder = app.Services.GetRequiredService<IHttpForwarder>();
        var destination = arguments.Value("--to") ?? throw new ArgumentException("--to is missing");
        var client = new HttpMessageInvoker(Handler(tuned));
        var config = new ForwarderRequestConfig { ActivityTimeout = TimeSpan.FromSeconds(100) };
        if (tuned)
        {
            ((IApplicationBuilder)app).Run(async context => await forwarder.SendAsync(context, destination, client, config, HttpTransformer.Default));
        }
        else
        {
            app.Map("/{**rest}", async context => await forwarder.SendAsync(context, destination, client, config, HttpTransformer.Default));
        }

        return app.RunAsync();
    }

    private static WebApplicationBuilder Tuned()
    {
        SocketTuning.Apply();
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore();
        SocketTuning.Apply(builder.Services);
        return builder;
    }

    private static SocketsHttpHandler Handler(bool tuned) => new()
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        EnableMultipleHttp2Connections = true,
        ActivityHeadersPropagator = tuned ? null : new ReverseProxyPropagator(DistributedContextPropagator.Current),
        ConnectTimeout = TimeSpan.FromSeconds(15),
    };

    /// <summary>HTTP/1.1, and HTTP/2 without TLS on a second port where one is given.</summary>
    public static void ListenLoopback(this KestrelServerOptions kestrel, Arguments arguments)
    {
        kestrel.Listen(IPAddress.Loopback, arguments.Port, static listen => listen.Protocols = HttpProtocols.Http1);
        if (arguments.H2Port is { } port)
        {
            kestrel.Listen(IPAddress.Loopback, port, static listen => listen.Protocols = HttpProtocols.Http2);
        }
    }
}
