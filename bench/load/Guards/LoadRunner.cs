using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Guard.Load.Processes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Guard.Load.Guards;

/// <summary>A runner in this process that accepts starts and says ready only when told to; counts what reaches it.</summary>
internal sealed class LoadRunner : IAsyncDisposable
{
    private static readonly byte[] Ok = "ok"u8.ToArray();
    private readonly ConcurrentDictionary<string, long> _generations = new();
    private readonly WebApplication _app;
    private int _connections;
    private int _now;
    private int _peak;
    private int _starts;

    private LoadRunner(int port)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => connection =>
            {
                Interlocked.Increment(ref _connections);
                return next(connection);
            });
        }));
        _app = builder.Build();
        _app.Run(AnswerAsync);
        Url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
    }

    public string Url { get; }

    /// <summary>Start calls so far.</summary>
    public int Starts => Volatile.Read(ref _starts);

    /// <summary>Most requests at the same time.</summary>
    public int Peak => Volatile.Read(ref _peak);

    public int Connections => Volatile.Read(ref _connections);

    public static async Task<LoadRunner> StartAsync(CancellationToken cancellationToken)
    {
        var runner = new LoadRunner(Ports.Free());
        await runner._app.StartAsync(cancellationToken);
        return runner;
    }

    /// <summary>The generation an actor was started with; null when it was not.</summary>
    public long? GenerationOf(string actor) => _generations.TryGetValue(actor, out var generation) ? generation : null;

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        if (HttpMethods.IsPost(context.Request.Method))
        {
            using var body = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
            if (body.RootElement.TryGetProperty("actor_id", out var actor))
            {
                Interlocked.Increment(ref _starts);
                _generations[actor.GetString()!] = body.RootElement.GetProperty("generation").GetInt64();
                context.Response.StatusCode = StatusCodes.Status202Accepted;
            }

            return;
        }

        var now = Interlocked.Increment(ref _now);
        for (var peak = Volatile.Read(ref _peak); now > peak && Interlocked.CompareExchange(ref _peak, now, peak) != peak; peak = Volatile.Read(ref _peak))
        {
        }

        context.Response.ContentLength = Ok.Length;
        await context.Response.Body.WriteAsync(Ok);
        Interlocked.Decrement(ref _now);
    }
}
