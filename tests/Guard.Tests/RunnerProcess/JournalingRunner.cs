using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Guard.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Guard.Tests.RunnerProcess;

/// <summary>
/// A runner that keeps to docs/contract.md, section 7, in a process of its own: after a stop it answers 421, finishes what it has, then says stopped.
/// It writes each start and stop to its journal, with the machine's monotonic time, before it answers. Ends on SIGTERM, after leaving its
/// pool.
/// </summary>
internal sealed class JournalingRunner(ControlApi control, string registration, TextWriter journal)
{
    public const string Command = "runner";

    private readonly ConcurrentDictionary<string, RunningActor> _actors = new(StringComparer.Ordinal);
    private string _runnerId = "";
    private long _actorsVersion = -1;

    /// <param name="args">The command, the control URL, the file of the journal, the port, the registration's JSON.</param>
    public static async Task<int> RunAsync(string[] args)
    {
        using var control = new ControlApi(new Uri(args[1]));
        await using var journal = new StreamWriter(args[2], append: true) { AutoFlush = true };
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, int.Parse(args[3], System.Globalization.CultureInfo.InvariantCulture), l => l.Protocols = HttpProtocols.Http1));
        await using var app = builder.Build();
        var runner = new JournalingRunner(control, args[4], journal);
        app.Run(runner.AnswerAsync);
        using var end = new CancellationTokenSource();
        using var term = System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            end.Cancel();
        });
        await app.StartAsync(end.Token);
        await runner.BeatAsync(end.Token);
        await control.SendAsync(HttpMethod.Delete, $"runners/{runner._runnerId}", null, CancellationToken.None);
        return 0;
    }

    private async Task BeatAsync(CancellationToken end)
    {
        try
        {
            var interval = await RegisterAsync(end);
            using var timer = new PeriodicTimer(interval, TimeProvider.System);
            while (await timer.WaitForNextTickAsync(end))
            {
                await BeatOnceAsync(end);
            }
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
        }
    }

    private async Task<TimeSpan> RegisterAsync(CancellationToken end)
    {
        var reply = await control.CallAsync(HttpMethod.Post, "runners?namespace=default", registration, end);
        _runnerId = reply.GetProperty("runner").GetProperty("runner_id").GetString()!;
        _actorsVersion = -1;
        Write("registered", _runnerId, 0);
        return TimeSpan.FromMilliseconds(reply.GetProperty("heartbeat_interval_ms").GetInt32());
    }

    private async Task BeatOnceAsync(CancellationToken end)
    {
        try
        {
            using var beat = await control.SendAsync(HttpMethod.Post, $"runners/{_runnerId}/heartbeat", null, end);
            if (beat.StatusCode == HttpStatusCode.NotFound)
            {
                await RegisterAsync(end);
            }
            else if (beat.IsSuccessStatusCode)
            {
                var version = JsonElement.Parse(await beat.Content.ReadAsStringAsync(end)).GetProperty("actors_version").GetInt64();
                if (version != _actorsVersion)
                {
                    await ReconcileAsync(end);
                }
            }
        }
        catch (HttpRequestException)
        {
            // The next one says the same.
        }
    }

    /// <summary>Stops what Guard does not count as this runner's, except what started after the question.</summary>
    private async Task ReconcileAsync(CancellationToken end)
    {
        var before = _actors.Values.ToArray();
        var owned = await control.CallAsync(HttpMethod.Get, $"runners/{_runnerId}/actors", null, end);
        var keep = owned.GetProperty("actors").EnumerateArray()
            .Select(a => (a.GetProperty("actor_id").GetString()!, a.GetProperty("generation").GetInt64())).ToHashSet();
        foreach (var actor in before.Where(a => !keep.Contains((a.Id, a.Generation))))
        {
            await StopAsync(actor);
        }

        _actorsVersion = owned.GetProperty("actors_version").GetInt64();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var parts = context.Request.Path.Value!.Split('/');
        if (parts is ["", ".guard", "actors", var id, "start" or "stop"])
        {
            var body = await JsonSerializer.DeserializeAsync<JsonElement>(context.Request.Body);
            context.Response.StatusCode = await CalledAsync(id, body.GetProperty("generation").GetInt64(), parts[4] == "start");
            return;
        }

        if (!_actors.TryGetValue(context.Request.Headers["x-rivet-actor"].ToString(), out var actor)
            || context.Request.Headers["x-rivet-actor-generation"] != actor.Generation.ToString(System.Globalization.CultureInfo.InvariantCulture)
            || !actor.TryEnter())
        {
            context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
            return;
        }

        try
        {
            // Long enough that some are under way when the stop comes.
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
            await context.Response.WriteAsync($"{actor.Generation}");
        }
        finally
        {
            actor.Leave();
        }
    }

    private async Task<int> CalledAsync(string id, long generation, bool start)
    {
        if (!start)
        {
            if (_actors.TryGetValue(id, out var told) && told.Generation <= generation)
            {
                await StopAsync(told);
            }

            return StatusCodes.Status200OK;
        }

        while (true)
        {
            var here = _actors.GetOrAdd(id, static (id, generation) => new(id, generation), generation);
            if (here.Generation > generation)
            {
                return StatusCodes.Status409Conflict;
            }

            if (here.Generation == generation)
            {
                Write("start", id, generation);
                return StatusCodes.Status200OK;
            }

            await StopAsync(here);
        }
    }

    private async Task StopAsync(RunningActor actor)
    {
        await actor.EndAsync();
        if (_actors.TryRemove(KeyValuePair.Create(actor.Id, actor)))
        {
            Write("stop", actor.Id, actor.Generation);
        }
    }

    private void Write(string what, string id, long generation)
    {
        lock (journal)
        {
            journal.WriteLine($"{TimeProvider.System.GetTimestamp()} {what} {id} {generation}");
        }
    }

    /// <summary>One generation of one actor, and the requests in it.</summary>
    private sealed class RunningActor(string id, long generation)
    {
        private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _inside = 1;
        private int _ended;

        public string Id { get; } = id;

        public long Generation { get; } = generation;

        public bool TryEnter()
        {
            while (true)
            {
                var inside = Volatile.Read(ref _inside);
                if (inside == 0 || Volatile.Read(ref _ended) != 0)
                {
                    return false;
                }

                if (Interlocked.CompareExchange(ref _inside, inside + 1, inside) == inside)
                {
                    return true;
                }
            }
        }

        public void Leave()
        {
            if (Interlocked.Decrement(ref _inside) == 0)
            {
                _empty.TrySetResult();
            }
        }

        public Task EndAsync()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0)
            {
                Leave();
            }

            return _empty.Task;
        }
    }
}
