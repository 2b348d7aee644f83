using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Guard.Demo;

/// <summary>
/// A small but true runner: an HTTP server on a loopback port of its own that speaks Guard's runner contract (docs/runners.md), with
/// actors that echo. An actor with the key <c>slow</c> takes three seconds to start. It is a serverless endpoint as well
/// (docs/serverless.md): each call to <c>/start</c> is one more runner for as long as it lasts. Thread-safe.
/// </summary>
internal sealed class EchoRunner : IAsyncDisposable
{
    private static readonly TimeSpan SlowStart = TimeSpan.FromSeconds(3);

    private readonly TimeProvider _time;
    private readonly WebApplication _app;
    private readonly CancellationTokenSource _stopping = new();

    private EchoRunner(TimeProvider time)
    {
        _time = time;
        Actors = new EchoActors(time);
        // Empty: neither Guard's configuration nor its Kestrel endpoints and limits are this server's.
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(IPAddress.Loopback, 0, listener => listener.Protocols = HttpProtocols.Http1);
        });
        _app = builder.Build();
        _app.UseWebSockets();
        _app.Run(AnswerAsync);
    }

    public EchoActors Actors { get; }

    /// <summary>Where it listens, e.g. <c>http://127.0.0.1:40123</c>.</summary>
    public string Endpoint
        => _app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single();

    /// <summary>Listens from when this returns.</summary>
    public static async Task<EchoRunner> StartAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        var runner = new EchoRunner(time);
        await runner._app.StartAsync(cancellationToken);
        return runner;
    }

    public async ValueTask DisposeAsync()
    {
        // The replies to start calls have no end of their own.
        await _stopping.CancelAsync();
        await _app.DisposeAsync();
        _stopping.Dispose();
    }

    private Task AnswerAsync(HttpContext context)
    {
        // "/.guard/actors/{id}/start": Guard's own channel. Guard lets no client's path that looks like it through.
        var path = context.Request.Path.Value!;
        if (!context.Request.Headers.ContainsKey("x-rivet-actor") && path is "/start" or "/metadata")
        {
            // With x-rivet-actor it would be a request for an actor that happens to have such a path.
            return path == "/start" ? ServerlessStart.AnswerAsync(context, _time, _stopping.Token) : ServerlessStart.DescribeAsync(context);
        }

        var parts = path.Split('/');
        return parts is ["", ".guard", "actors", var id, var call] && HttpMethods.IsPost(context.Request.Method)
            ? call switch
            {
                "start" => StartAsync(context, id),
                "stop" => StopAsync(context, id),
                _ => AnswerAsync(context, StatusCodes.Status404NotFound),
            }
            : RequestAsync(context);
    }

    private async Task StartAsync(HttpContext context, string id)
    {
        var start = await context.Request.ReadFromJsonAsync(DemoJson.Default.StartRequest, context.RequestAborted);
        if (start is null || start.ActorId != id)
        {
            await AnswerAsync(context, StatusCodes.Status400BadRequest);
            return;
        }

        if (start.Key == DemoActors.Slow)
        {
            await Task.Delay(SlowStart, _time, context.RequestAborted);
        }

        await AnswerAsync(context, await Actors.StartAsync(start) ? StatusCodes.Status200OK : StatusCodes.Status409Conflict);
    }

    private async Task StopAsync(HttpContext context, string id)
    {
        var stop = await context.Request.ReadFromJsonAsync(DemoJson.Default.StopRequest, context.RequestAborted);
        if (stop is null)
        {
            await AnswerAsync(context, StatusCodes.Status400BadRequest);
            return;
        }

        await Actors.StopAsync(id, stop.Generation);
        await AnswerAsync(context, StatusCodes.Status200OK);
    }

    private async Task RequestAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        if (!Actors.TryGet(headers["x-rivet-actor"].ToString(), headers["x-rivet-actor-generation"].ToString(), out var actor)
            || !actor.TryEnter())
        {
            // Not here, or not this generation: Guard looks again where it is.
            await AnswerAsync(context, StatusCodes.Status421MisdirectedRequest);
            return;
        }

        try
        {
            await EchoReplies.AnswerAsync(context, actor, _time);
        }
        finally
        {
            actor.Leave();
        }
    }

    private static Task AnswerAsync(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return context.Response.CompleteAsync();
    }
}
