using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Guard.TestSupport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Guard.Scenarios.Support;

/// <summary>
/// A runner in the test's process that does what the test says: a real HTTP server on a fixed loopback port, registered through the
/// control API, with heartbeats. It counts every start, stop and delivery. Thread-safe.
/// </summary>
internal sealed class ScriptedRunner : IAsyncDisposable
{
    private readonly ControlApi _control;
    private readonly string _registration;
    private readonly string _namespace;
    private readonly int _port;
    private readonly HttpProtocols _protocols;
    private readonly ConcurrentDictionary<string, long> _actors = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, RunnerScript> _scripts = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<RunnerCall> _starts = new();
    private readonly ConcurrentQueue<RunnerCall> _stops = new();
    private readonly ConcurrentQueue<string> _deliveries = new();
    private readonly CancellationTokenSource _end = new();
    private WebApplication? _app;
    private Task _beats = Task.CompletedTask;
    private volatile bool _beating = true;

    private ScriptedRunner(Uri control, RunnerSettings settings)
    {
        _control = new ControlApi(control);
        _port = FreePort.Next();
        _namespace = settings.Namespace;
        _protocols = settings.H2c ? HttpProtocols.Http2 : HttpProtocols.Http1;
        Key = settings.Key ?? $"runner-{_port}";
        Endpoint = $"http://127.0.0.1:{_port}";
        _registration = $$"""{"name":"{{settings.Pool}}","key":"{{Key}}","version":{{settings.Version}},"endpoint":"{{Endpoint}}","total_slots":{{settings.Slots}}{{(settings.H2c ? ",\"protocol\":\"h2c\"" : "")}}}""";
    }

    public string Key { get; }

    public string Endpoint { get; }

    /// <summary>From the last registration.</summary>
    public string RunnerId { get; private set; } = "";

    /// <summary>What start calls meet, unless <see cref="Script"/> says otherwise for their actor.</summary>
    public RunnerScript OnStart { get; set; } = StartScripts.Ready;

    /// <summary>What stop calls meet: 200, by default. The actor is off the runner already when it runs.</summary>
    public RunnerScript OnStop { get; set; } = StartScripts.Ready;

    /// <summary>What requests for actors that are here meet; by default 200 with the raw target as text.</summary>
    public RequestDelegate OnRequest { get; set; } = static context =>
        context.Response.WriteAsync(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);

    public IReadOnlyCollection<RunnerCall> Starts => _starts;

    public IReadOnlyCollection<RunnerCall> Stops => _stops;

    /// <summary>Requests that came for actors, here or not: <c>GET /path</c>.</summary>
    public IReadOnlyCollection<string> Deliveries => _deliveries;

    public static async Task<ScriptedRunner> StartAsync(Uri control, RunnerSettings settings, CancellationToken cancellationToken)
    {
        var runner = new ScriptedRunner(control, settings);
        try
        {
            await runner.ListenAsync(cancellationToken);
            var interval = await runner.RegisterAsync(cancellationToken);
            runner._beats = runner.BeatAsync(interval);
            return runner;
        }
        catch
        {
            await runner.DisposeAsync();
            throw;
        }
    }

    public int StartsOf(string actorId) => _starts.Count(c => c.ActorId == actorId);

    public int StopsOf(string actorId) => _stops.Count(c => c.ActorId == actorId);

    public bool Has(string actorId) => _actors.ContainsKey(actorId);

    /// <summary>Says what starts of one actor meet.</summary>
    public void Script(string actorId, RunnerScript script) => _scripts[actorId] = script;

    /// <summary>The actor is not here any more: its requests are answered 421. Guard is not told.</summary>
    public void Forget(string actorId) => _actors.TryRemove(actorId, out _);

    /// <summary>Forgets every actor, as a process that crashed and came back has.</summary>
    public void ForgetAll() => _actors.Clear();

    /// <summary>Stops listening: connections are refused. Heartbeats go on.</summary>
    public async Task RefuseAsync()
    {
        if (Interlocked.Exchange(ref _app, null) is { } app)
        {
            // No grace: a runner that dies does not wait for its requests.
            using var now = new CancellationTokenSource();
            await now.CancelAsync();
            await app.StopAsync(now.Token);
            await app.DisposeAsync();
        }
    }

    /// <summary>Listens on its port, for the first time or again.</summary>
    public async Task ListenAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, _port, listener => listener.Protocols = _protocols);
        });
        var app = builder.Build();
        app.UseWebSockets();
        app.Run(AnswerAsync);
        await app.StartAsync(cancellationToken);
        _app = app;
    }

    public void StopHeartbeats() => _beating = false;

    public void ResumeHeartbeats() => _beating = true;

    /// <summary>Sends one event of one actor; Guard's result (<c>ok</c>, <c>stale</c>, <c>unknown</c>).</summary>
    public async Task<string> SendEventAsync(
        string actorId, long generation, string runnerEvent, CancellationToken cancellationToken, string? message = null)
    {
        var reply = await _control.CallAsync(
            HttpMethod.Post,
            $"runners/{RunnerId}/events",
            $$"""{"events":[{"actor_id":"{{actorId}}","generation":{{generation}},"event":"{{runnerEvent}}"{{(message is null ? "" : $",\"message\":\"{message}\"")}}}]}""",
            cancellationToken);
        return reply.GetProperty("results").EnumerateArray().Single().GetString()!;
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _beats;
        await RefuseAsync();
        _control.Dispose();
        _end.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var parts = context.Request.Path.Value!.Split('/');
        if (parts is ["", ".guard", "actors", var id, "start" or "stop"])
        {
            await CalledAsync(context, id, parts[4] == "start");
            return;
        }

        var actorId = context.Request.Headers["x-rivet-actor"].ToString();
        _deliveries.Enqueue($"{context.Request.Method} {context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget}");
        if (_actors.TryGetValue(actorId, out var generation)
            && context.Request.Headers["x-rivet-actor-generation"] == generation.ToString(System.Globalization.CultureInfo.InvariantCulture))
        {
            await OnRequest(context);
        }
        else
        {
            context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
        }
    }

    private async Task CalledAsync(HttpContext context, string id, bool start)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        using var json = JsonDocument.Parse(body);
        var call = new RunnerCall(
            id, json.RootElement.GetProperty("generation").GetInt64(), body, context.Request.Headers["x-guard-channel"].ToString());
        if (start)
        {
            _starts.Enqueue(call);
            if (_actors.AddOrUpdate(id, call.Generation, (_, here) => Math.Max(here, call.Generation)) > call.Generation)
            {
                // A Guard that was paused comes late: a newer generation is here.
                context.Response.StatusCode = StatusCodes.Status409Conflict;
                return;
            }

            await (_scripts.TryGetValue(id, out var script) ? script : OnStart)(this, call, context);
        }
        else
        {
            _stops.Enqueue(call);
            if (_actors.TryGetValue(id, out var here) && here <= call.Generation)
            {
                // Exactly the generation that was seen: a newer one may start at this moment.
                _actors.TryRemove(KeyValuePair.Create(id, here));
            }

            await OnStop(this, call, context);
        }
    }

    private async Task<TimeSpan> RegisterAsync(CancellationToken cancellationToken)
    {
        var reply = await _control.CallAsync(HttpMethod.Post, $"runners?namespace={_namespace}", _registration, cancellationToken);
        RunnerId = reply.GetProperty("runner").GetProperty("runner_id").GetString()!;
        return TimeSpan.FromMilliseconds(reply.GetProperty("heartbeat_interval_ms").GetInt32());
    }

    private async Task BeatAsync(TimeSpan interval)
    {
        using var timer = new PeriodicTimer(interval, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(_end.Token))
            {
                if (_beating)
                {
                    await BeatOnceAsync();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private async Task BeatOnceAsync()
    {
        try
        {
            using var reply = await _control.SendAsync(HttpMethod.Post, $"runners/{RunnerId}/heartbeat", null, _end.Token);
            if (reply.StatusCode == HttpStatusCode.NotFound)
            {
                await RegisterAsync(_end.Token);
            }
        }
        catch (HttpRequestException)
        {
            // Guard is down or restarting: that may be what the test is about.
        }
    }
}

/// <param name="Pool">The pool to register in; it must have a runner-config.</param>
/// <param name="Key">The same key is the same runner; null makes one up.</param>
internal sealed record RunnerSettings(
    string Pool = "default", string Namespace = "default", string? Key = null, int Version = 1, int Slots = 10_000, bool H2c = false);
