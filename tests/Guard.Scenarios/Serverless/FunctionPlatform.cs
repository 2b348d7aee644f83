using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Guard.TestSupport;
using Microsoft.AspNetCore.Http;

namespace Guard.Scenarios.Serverless;

/// <summary>
/// A platform for functions on real sockets: each <c>GET /start</c> is an instance that lives as long as its stream. All instances are one
/// process with one address, as behind a platform's router; an actor runs in the generation that was started last. Thread-safe.
/// </summary>
internal sealed class FunctionPlatform : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, string> _actors = new();
    private readonly TaskCompletionSource _down = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private KestrelRunner _server = null!;
    private int _connects;
    private int _open;
    private int _peak;
    private int _starts;

    public string Url => _server.Endpoint;

    /// <summary>How often a connect was asked for.</summary>
    public int Connects => Volatile.Read(ref _connects);

    /// <summary>Streams that are open.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>The most streams that were open at once.</summary>
    public int Peak => Volatile.Read(ref _peak);

    /// <summary>Actors started so far.</summary>
    public int Starts => Volatile.Read(ref _starts);

    /// <summary>Not 200: what every connect is answered with.</summary>
    public int Status { get; set; } = 200;

    public static async Task<FunctionPlatform> StartAsync()
    {
        var platform = new FunctionPlatform();
        platform._server = await KestrelRunner.StartAsync(http2: false, platform.HandleAsync);
        return platform;
    }

    public async ValueTask DisposeAsync()
    {
        _down.TrySetResult();
        await _server.DisposeAsync();
    }

    private Task HandleAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        return path.StartsWith("/.guard/actors/", StringComparison.Ordinal) ? CallAsync(context, path.Split('/'))
            : context.Request.Headers.ContainsKey("x-rivet-actor") ? ServeAsync(context)
            : path == "/start" ? StreamAsync(context)
            : context.Response.WriteAsync("""{"version":1}""");
    }

    private async Task StreamAsync(HttpContext context)
    {
        Interlocked.Increment(ref _connects);
        if (Status != 200)
        {
            context.Response.StatusCode = Status;
            await context.Response.WriteAsync("broken");
            return;
        }

        var open = Interlocked.Increment(ref _open);
        for (var peak = Peak; open > peak && Interlocked.CompareExchange(ref _peak, open, peak) != peak; peak = Peak)
        {
        }

        try
        {
            context.Response.ContentType = "text/event-stream";
            var init = Convert.ToBase64String(Encoding.UTF8.GetBytes("""{"version":1}"""));
            await context.Response.WriteAsync($"event: ping\ndata:\n\ndata: {init}\n\n", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await _down.Task.WaitAsync(context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    private async Task CallAsync(HttpContext context, string[] path)
    {
        var call = await System.Text.Json.JsonDocument.ParseAsync(context.Request.Body);
        var (actor, generation) = (path[3], call.RootElement.GetProperty("generation").GetInt64().ToString(CultureInfo.InvariantCulture));
        if (path[4] == "start")
        {
            Interlocked.Increment(ref _starts);
            _actors[actor] = generation;
        }
        else
        {
            _actors.TryRemove(KeyValuePair.Create(actor, generation));
        }
    }

    private async Task ServeAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        if (!_actors.TryGetValue(headers["x-rivet-actor"].ToString(), out var generation) || generation != headers["x-rivet-actor-generation"])
        {
            context.Response.StatusCode = 421;
            return;
        }

        await context.Response.WriteAsync(context.Request.Path.Value!);
    }
}
