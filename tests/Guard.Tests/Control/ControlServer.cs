using System.Text;
using System.Text.Json.Nodes;
using Guard.Control;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.State.Runners;
using Guard.Core.Transport.Connections;
using Guard.Hosting;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;
using Guard.Storage.Memory;
using Guard.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Tests.Control;

/// <summary>The control API on a real Kestrel at a free port, over the embedded store and a clock that stands still.</summary>
internal sealed class ControlServer : IAsyncDisposable
{
    public const long Now = 1_700_000_000_000;

    private readonly WebApplication _app;

    private ControlServer(WebApplication app, LogLines logs, TaskCompletionSource<StoppedActor> stopped)
    {
        _app = app;
        Logs = logs;
        Stopped = stopped;
        Client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()), Timeout = TimeSpan.FromSeconds(10) };
    }

    public HttpClient Client { get; }

    public LogLines Logs { get; }

    /// <summary>Completes with what the API told a runner to stop.</summary>
    public TaskCompletionSource<StoppedActor> Stopped { get; }

    public MemoryStore Store => Get<MemoryStore>();

    public IPoolHealthStore Health => Get<IPoolHealthStore>();

    /// <param name="configure">Changes the options before anything reads them.</param>
    /// <param name="replace">Registers services in place of those here.</param>
    public static async Task<ControlServer> StartAsync(Action<GuardOptions>? configure = null, Action<IServiceCollection>? replace = null)
    {
        var options = new GuardOptions();
        configure?.Invoke(options);
        var logs = new LogLines();
        var stopped = new TaskCompletionSource<StoppedActor>(TaskCreationOptions.RunContinuationsAsynchronously);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(logs);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services
            .AddSingleton<TimeProvider>(new FakeTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(Now)))
            .AddSingleton(new LiveOptions(options))
            .AddSingleton(new MemoryChangeFeed(NullLogger<MemoryChangeFeed>.Instance))
            .AddSingleton(s => new MemoryPoolHealthStore(
                s.GetRequiredService<TimeProvider>(),
                s.GetRequiredService<LiveOptions>().StoreRules,
                s.GetRequiredService<MemoryChangeFeed>().PublishPoolHealth))
            .AddSingleton(s => new MemoryStore(
                s.GetRequiredService<MemoryChangeFeed>(),
                s.GetRequiredService<MemoryPoolHealthStore>().CountSuccess,
                s.GetRequiredService<LiveOptions>().StoreRules,
                s.GetRequiredService<TimeProvider>()))
            .AddSingleton<IPoolHealthStore>(s => s.GetRequiredService<MemoryPoolHealthStore>())
            .AddSingleton<IActorStore>(s => s.GetRequiredService<MemoryStore>())
            .AddSingleton<IRunnerStore>(s => s.GetRequiredService<MemoryStore>())
            .AddSingleton<IPoolStore>(s => s.GetRequiredService<MemoryStore>())
            .AddSingleton<IActorImportStore>(s => s.GetRequiredService<MemoryStore>())
            .AddSingleton<EndpointPolicy>()
            .AddSingleton<RunnerConnections>()
            .AddSingleton<RunnerConnector>()
            .AddServerlessCalls()
            .AddSingleton<SuspectRunners>()
            .AddSingleton(s => new GuardMetrics(s.GetRequiredService<LiveOptions>()))
            .AddSingleton<RunnerInbox>()
            .AddSingleton<StopActor>((runner, id, generation, reason, _) =>
            {
                stopped.TrySetResult(new StoppedActor(runner, id, generation, reason));
                return Task.CompletedTask;
            })
            .AddControlApi();
        replace?.Invoke(builder.Services);
        var app = builder.Build();

        // As the host does it for every listener.
        app.Use((context, next) =>
        {
            context.TraceIdentifier = ActorId.New(1).ToString();
            context.Response.Headers["x-rivet-ray-id"] = context.TraceIdentifier;
            return next(context);
        });
        app.MapControlApi();
        app.MapFallback("{*path}", context => throw new InvalidOperationException($"{context.Request.Path} got past the control API"));
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new ControlServer(app, logs, stopped);
    }

    /// <summary>One with the pool <c>p</c> in the namespace <c>n</c>.</summary>
    public static async Task<ControlServer> StartWithPoolAsync(Action<GuardOptions>? configure = null, Action<IServiceCollection>? replace = null)
    {
        var server = await StartAsync(configure, replace);
        await server.OkAsync("PUT", "/runner-configs/p?namespace=n", """{"datacenters":{"default":{"normal":{}}}}""");
        return server;
    }

    public T Get<T>()
        where T : notnull
        => _app.Services.GetRequiredService<T>();

    public async Task<ControlReply> SendAsync(string method, string path, string? json = null, string? bearer = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (json is not null)
        {
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        }

        if (bearer is not null)
        {
            request.Headers.TryAddWithoutValidation("authorization", bearer);
        }

        return await SendAsync(request);
    }

    public async Task<ControlReply> SendAsync(HttpRequestMessage request)
    {
        using var response = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var headers = response.Headers.Concat(response.Content.Headers).ToDictionary(h => h.Key.ToLowerInvariant(), h => string.Join(", ", h.Value));
        return new ControlReply((int)response.StatusCode, headers, text);
    }

    /// <summary>Makes a call that must succeed.</summary>
    public async Task<JsonNode> OkAsync(string method, string path, string? json = null)
    {
        var reply = await SendAsync(method, path, json);
        Assert.True(reply.Status == 200, $"{method} {path}: {reply.Status} {reply.Text}");
        Assert.Equal("application/json", reply.Headers["content-type"]);
        return reply.Json;
    }

    public async Task<string> RegisterRunnerAsync(string key = "r1", int slots = 4)
        => (string)(await OkAsync("POST", "/runners?namespace=n", RunnerJson(key, slots)))["runner"]!["runner_id"]!;

    public async Task<ActorId> CreateActorAsync(string? key = null)
    {
        var body = key is null ? """{"name":"a","runner_name_selector":"p"}""" : $$"""{"name":"a","runner_name_selector":"p","key":"{{key}}"}""";
        return ActorId.Parse((string)(await OkAsync("POST", "/actors?namespace=n", body))["actor"]!["actor_id"]!);
    }

    public static string RunnerJson(string key = "r1", int slots = 4)
        => $$"""{"name":"p","key":"{{key}}","version":1,"endpoint":"http://127.0.0.1:9001","total_slots":{{slots}}}""";

    /// <summary>Everything the store shows of the namespaces the tests use, as one text.</summary>
    public async Task<string> DumpAsync()
    {
        var store = Store;
        var cancelled = TestContext.Current.CancellationToken;
        var dump = new StringBuilder();
        foreach (var name in new[] { "n", "other" })
        {
            dump.AppendJoin('\n', (await store.ListAsync(new PoolQuery(name, null, 1000, null), cancelled)).Items);
            dump.AppendJoin('\n', (await store.ListAsync(new RunnerQuery(name, null, true, 1000, null), cancelled)).Items);
            dump.AppendJoin('\n', (await store.ListAsync(new ActorQuery(name, null, "a", null, true, 1000, null), cancelled)).Items);
            dump.Append(await Health.ReadAsync(new(name, "p"), cancelled));
        }

        return dump.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }
}

internal sealed record StoppedActor(RunnerAddress Runner, ActorId Id, long Generation, string Reason);

internal sealed record ControlReply(int Status, IReadOnlyDictionary<string, string> Headers, string Text)
{
    public JsonNode Json => JsonNode.Parse(Text)!;

    public string? Error => Headers.GetValueOrDefault("x-rivet-error");

    /// <summary><c>metadata.name</c> of an error.</summary>
    public string? Field => (string?)Json["metadata"]?["name"];

    public string? Detail => (string?)Json["metadata"]?["detail"];
}
