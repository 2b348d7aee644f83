using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Transport;
using Guard.Core.Transport.Connections;
using Guard.Core.Transport.Http;
using Guard.Core.Transport.WebSockets;
using Guard.Hosting;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Guard.Tests.Forwarding;

/// <summary>
/// A real server whose every request goes to one runner through <see cref="ActorForwarder"/>, under the target the client sent. What the
/// forwarder could not deliver shows as a status of its own: the error's, or 599, with the outcome in <c>x-outcome</c>.
/// </summary>
internal sealed class ForwardingGateway : IAsyncDisposable
{
    public const string Ray = "ray0";
    public static readonly ActorId Actor = ActorId.New(1);

    private readonly WebApplication _app;
    private readonly Channel<ForwardOutcome> _outcomes = Channel.CreateUnbounded<ForwardOutcome>();
    private readonly string[] _addresses;

    private ForwardingGateway(WebApplication app, string[] addresses, GuardOptions options)
        => (_app, _addresses, Options) = (app, addresses, options);

    public GuardOptions Options { get; }

    /// <summary>How often a request is tried when its runner was not reached or said it failed.</summary>
    public int Tries { get; set; } = 1;

    /// <summary>Runs before each try.</summary>
    public Action<HttpContext>? Before { get; set; }

    /// <summary>The route of the n-th try, from 0.</summary>
    public required Func<int, ActorRoute> Route { get; set; }

    public Uri Http1 => new(_addresses[0]);

    public Uri Http2 => new(_addresses[1]);

    public LiveOptions Live => _app.Services.GetRequiredService<LiveOptions>();

    public GuardMetrics Metrics => _app.Services.GetRequiredService<GuardMetrics>();

    public OpenWebSockets WebSockets => _app.Services.GetRequiredService<OpenWebSockets>();

    public static async Task<ForwardingGateway> StartAsync(
        string endpoint, Action<GuardOptions>? configure = null, RunnerProtocol protocol = RunnerProtocol.Http1, TimeProvider? time = null)
    {
        var options = new GuardOptions();
        configure?.Invoke(options);
        var live = new LiveOptions(options);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.RequestHeaderEncodingSelector = EdgeHeaderEncoding.Select;
            kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
            kestrel.Limits.MaxRequestBodySize = options.Limits.MaxRequestBodyBytes;
            kestrel.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2);
        });
        builder.Services.AddHttpForwarder();
        builder.Services.AddSingleton(live);
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        builder.Services.AddSingleton<EndpointPolicy>();
        builder.Services.AddSingleton<TrustedProxies>();
        builder.Services.AddSingleton<RunnerConnections>();
        builder.Services.AddSingleton<RunnerConnector>();
        builder.Services.AddSingleton<RunnerInvoker>();
        builder.Services.AddSingleton<ForwardingInvoker>();
        builder.Services.AddSingleton<OpenWebSockets>();
        builder.Services.AddSingleton(new LastReply(CancellationToken.None));
        builder.Services.AddSingleton<ActorForwarder>();
        builder.Services.AddSingleton(new GuardMetrics(live));
        var app = builder.Build();
        ForwardingGateway? gateway = null;
        app.Run(context => gateway!.HandleAsync(context));
        await app.StartAsync(TestContext.Current.CancellationToken);
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ToArray();
        var route = RouteTo(endpoint, protocol);
        return gateway = new(app, addresses, options) { Route = _ => route };
    }

    public static ActorRoute RouteTo(
        string endpoint, RunnerProtocol protocol = RunnerProtocol.Http1, string? key = "a/b", string? runnerKey = null) => ActorRoute.From(new ActorRecord
        {
            Id = Actor,
            Pool = new PoolId("default", "default"),
            Name = "counter",
            Key = key,
            State = ActorState.Ready,
            Generation = 7,
            Runner = new RunnerAddress("runner", new RunnerLocation.Http(endpoint, protocol, runnerKey)),
        });

    /// <summary>How the next try ended.</summary>
    public Task<ForwardOutcome> OutcomeAsync()
        => _outcomes.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);

    /// <summary>A client of the HTTP/1.1 or HTTP/2 endpoint that adds nothing and follows nothing.</summary>
    public HttpClient Client(bool http2 = false) => new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false, ActivityHeadersPropagator = null })
    {
        BaseAddress = http2 ? Http2 : Http1,
        DefaultRequestVersion = http2 ? HttpVersion.Version20 : HttpVersion.Version11,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Timeout = TimeSpan.FromSeconds(20),
    };

    /// <summary>A bare connection to the HTTP/1.1 endpoint.</summary>
    public async Task<RawClient> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, Http1.Port, TestContext.Current.CancellationToken);
        return new RawClient(socket);
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        context.TraceIdentifier = Ray;
        context.Response.Headers[HeaderRules.RayId] = Ray;
        var forwarder = _app.Services.GetRequiredService<ActorForwarder>();
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        using var body = ReplayableBody.For(context, Options);
        for (var attempt = 0; ; attempt++)
        {
            Before?.Invoke(context);
            var outcome = await ForwardAsync(forwarder, context, Route(attempt), target, body);
            _outcomes.Writer.TryWrite(outcome);
            if (outcome.Status is ForwardStatus.Done or ForwardStatus.Cut or ForwardStatus.ClientGone)
            {
                return;
            }

            if (outcome.Status == ForwardStatus.Failed || attempt + 1 >= Tries)
            {
                context.Response.StatusCode = outcome.Error?.Status ?? 599;
                context.Response.Headers["x-outcome"] = outcome.Error is { } e ? $"{e.FullCode} {e.Metadata?.Phase}".TrimEnd() : outcome.Status.ToString();
                return;
            }
        }
    }

    private async ValueTask<ForwardOutcome> ForwardAsync(
        ActorForwarder forwarder, HttpContext context, ActorRoute route, string target, ReplayableBody? body)
    {
        if (UpgradeRules.Of(context) == UpgradeKind.WebSocket)
        {
            return await forwarder.ForwardWebSocketAsync(context, route, target);
        }

        var exchange = forwarder.Begin(context, route, target, body);
        return exchange.Conclude(await exchange.SendAsync());
    }
}
