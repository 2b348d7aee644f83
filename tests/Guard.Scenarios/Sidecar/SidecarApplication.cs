using System.Collections.Concurrent;
using System.Net;
using Guard.TestSupport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Guard.Scenarios.Sidecar;

/// <summary>An application that knows nothing of Guard: it answers HTTP on a fixed loopback port. With start and stop endpoints if asked
/// for. Thread-safe.</summary>
internal sealed class SidecarApplication(bool hasEndpoints) : IAsyncDisposable
{
    private readonly int _port = FreePort.Next();
    private WebApplication? _app;

    public string Endpoint => $"http://127.0.0.1:{_port}";

    /// <summary>What <c>/health</c> answers.</summary>
    public volatile int Health = 200;

    /// <summary>Calls to <c>/.guard</c>: the verb and the actor.</summary>
    public ConcurrentQueue<string> Calls { get; } = new();

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, _port));
        var app = builder.Build();
        app.Run(async context =>
        {
            var path = context.Request.Path.Value!;
            if (path == "/health")
            {
                context.Response.StatusCode = Health;
            }
            else if (path.StartsWith("/.guard/", StringComparison.Ordinal))
            {
                Calls.Enqueue(path.Split('/')[^1]);
                context.Response.StatusCode = hasEndpoints ? 200 : 404;
            }
            else
            {
                await context.Response.WriteAsync($"app {path}");
            }
        });
        await app.StartAsync(cancellationToken);
        _app = app;
    }

    /// <summary>Stops listening, as a process that died has.</summary>
    public async Task KillAsync()
    {
        if (Interlocked.Exchange(ref _app, null) is { } app)
        {
            using var now = new CancellationTokenSource();
            await now.CancelAsync();
            await app.StopAsync(now.Token);
            await app.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync() => await KillAsync();
}
