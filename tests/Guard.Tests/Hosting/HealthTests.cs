using Guard.Health;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Tests.Hosting;

public sealed class HealthTests
{
    private static readonly PoolId Lobby = new("default", "lobby");
    private readonly FakeTimeProvider _time = new();
    private readonly FakeStore _store = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Metrics_Scraped_CountRunnersByState()
    {
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        _store.Runners.Add(Runner("a", now));
        _store.Runners.Add(Runner("b", now - 9_999));
        _store.Runners.Add(Runner("c", now - 10_000));
        _store.Runners.Add(Runner("d", now - 10_000) with { IsStatic = true });
        _store.Runners.Add(Runner("e", now) with { DrainRequestTs = now });
        await using var guard = await StartAsync();

        var text = await ScrapeAsync(guard);

        Assert.Contains("guard_runners{namespace=\"default\",pool=\"lobby\",state=\"eligible\"} 3\n", text, StringComparison.Ordinal);
        Assert.Contains("guard_runners{namespace=\"default\",pool=\"lobby\",state=\"unresponsive\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("guard_runners{namespace=\"default\",pool=\"lobby\",state=\"draining\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("guard_runners{namespace=\"default\",pool=\"empty\",state=\"eligible\"} 0\n", text, StringComparison.Ordinal);

        _store.Runners.Clear();
        Assert.Contains("pool=\"lobby\",state=\"eligible\"} 0\n", await ScrapeAsync(guard), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_MorePoolsThanLabels_ShareOther()
    {
        _store.Runners.Add(Runner("a", _time.GetUtcNow().ToUnixTimeMilliseconds()));
        await using var guard = await StartAsync("--Guard:Metrics:MaxPools=1");

        var text = await ScrapeAsync(guard);

        Assert.Contains("guard_runners{namespace=\"default\",pool=\"empty\",state=\"eligible\"} 0\n", text, StringComparison.Ordinal);
        Assert.Contains("guard_runners{namespace=\"other\",pool=\"other\",state=\"eligible\"} 1\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("pool=\"lobby\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_StoreDown_AreServedWithTheNumbersOfBefore()
    {
        _store.Runners.Add(Runner("a", _time.GetUtcNow().ToUnixTimeMilliseconds()));
        await using var guard = await StartAsync();
        await ScrapeAsync(guard);

        _store.IsDown = true;
        _store.Runners.Clear();

        Assert.Contains("pool=\"lobby\",state=\"eligible\"} 1\n", await ScrapeAsync(guard), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_StoreNeverSeen_IsNotReadyUntilItAnswers()
    {
        _store.IsDown = true;
        await using var guard = await StartAsync();
        var health = guard.Get<HealthState>();
        await PassUntilAsync(() => guard.Log.Lines.Any(l => l.StartsWith("Warning The store does not answer", StringComparison.Ordinal)));
        Assert.Equal(["store_not_seen"], health.Check().Reasons);

        _store.IsDown = false;
        await PassUntilAsync(() => health.Check().Status == "ready");
        _store.IsDown = true;
        await PassUntilAsync(() => health.Check().Status == "degraded");

        Assert.True(health.Check().IsReady);
        Assert.Equal(["store_unavailable"], health.Check().Reasons);
        Assert.Contains("guard_store_up 0\n", await ScrapeAsync(guard), StringComparison.Ordinal);
        Assert.Contains("guard_degraded{reason=\"store_unavailable\"} 1\n", await ScrapeAsync(guard), StringComparison.Ordinal);
        Assert.Equal(
            ["Warning The store does", "Information The store answers", "Warning The store does"],
            guard.Log.Lines.Where(l => l.Contains(" The store ", StringComparison.Ordinal)).Select(l => string.Join(' ', l.Split(' ').Take(4))));
    }

    private static RunnerRecord Runner(string id, long lastPing) => new()
    {
        Address = new RunnerAddress(id, new RunnerLocation.Http("http://127.0.0.1:1", RunnerProtocol.Http1)),
        Pool = Lobby,
        Key = id,
        LastPingTs = lastPing,
    };

    private static async Task<string> ScrapeAsync(TestGuard guard)
    {
        using var client = new HttpClient { BaseAddress = guard.Control };
        using var reply = await client.GetAsync("/metrics", Ct).WaitAsync(TestGuard.Patience, Ct);
        Assert.Equal("text/plain", reply.Content.Headers.ContentType!.MediaType);
        return await reply.Content.ReadAsStringAsync(Ct);
    }

    private Task<TestGuard> StartAsync(params string[] args)
        => TestGuard.StartAsync(args, services: s =>
        {
            s.AddSingleton<TimeProvider>(_time);
            s.AddSingleton<IPoolStore>(_store);
            s.AddSingleton<IRunnerStore>(_store);
        });

    /// <summary>Moves the clock second by second, and lets what waits for it run, until something is so.</summary>
    private async Task PassUntilAsync(Func<bool> isSo)
    {
        for (var i = 0; i < 10_000 && !isSo(); i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.True(isSo());
    }

    /// <summary>Two pools in one namespace, and whatever runners the test says.</summary>
    private sealed class FakeStore : IPoolStore, IRunnerStore
    {
        public List<RunnerRecord> Runners { get; } = [];

        public volatile bool IsDown;

        public ValueTask<IReadOnlyList<string>> ListNamespacesAsync(CancellationToken cancellationToken) => Answer<IReadOnlyList<string>>(["default"]);

        public ValueTask<bool> NamespaceExistsAsync(string @namespace, CancellationToken cancellationToken) => Answer(true);

        // One entry per page: the cursor is followed.
        public ValueTask<Page<PoolEntry>> ListAsync(PoolQuery query, CancellationToken cancellationToken)
            => Answer(query.Cursor is null
                ? new Page<PoolEntry>([new PoolEntry(new PoolId("default", "empty"), new PoolConfig())], "more")
                : new Page<PoolEntry>([new PoolEntry(Lobby, new PoolConfig())], null));

        public ValueTask<Page<RunnerRecord>> ListAsync(RunnerQuery query, CancellationToken cancellationToken)
            => Answer(new Page<RunnerRecord>([.. Runners], null));

        private ValueTask<T> Answer<T>(T value) => IsDown ? throw new StoreException(StoreFailure.Away, "down") : ValueTask.FromResult(value);

        ValueTask<bool> IPoolStore.PutAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken) => throw new NotSupportedException();

        ValueTask<bool> IPoolStore.AddAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken) => throw new NotSupportedException();

        ValueTask<PoolConfig?> IPoolStore.GetAsync(PoolId pool, CancellationToken cancellationToken) => throw new NotSupportedException();

        ValueTask<bool> IPoolStore.DeleteAsync(PoolId pool, CancellationToken cancellationToken) => throw new NotSupportedException();

        ValueTask<RunnerRegistration?> IRunnerStore.RegisterAsync(NewRunner runner, CancellationToken cancellationToken) => throw new NotSupportedException();

        ValueTask<HeartbeatResult?> IRunnerStore.HeartbeatAsync(string runnerId, CancellationToken cancellationToken) => throw new NotSupportedException();

        ValueTask<IReadOnlyList<StreamState>> IRunnerStore.BeatAsync(IReadOnlyList<StreamBeat> beats, CancellationToken cancellationToken)
            => throw new NotSupportedException();

        ValueTask<bool> IRunnerStore.DrainAsync(string runnerId, CancellationToken cancellationToken) => throw new NotSupportedException();

        ValueTask<bool> IRunnerStore.DeleteAsync(string runnerId, CancellationToken cancellationToken) => throw new NotSupportedException();

        ValueTask<RunnerRecord?> IRunnerStore.GetAsync(string runnerId, CancellationToken cancellationToken) => throw new NotSupportedException();

        ValueTask<RunnerActors?> IRunnerStore.GetActorsAsync(string runnerId, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
