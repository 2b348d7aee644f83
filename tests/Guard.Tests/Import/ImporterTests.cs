using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Guard.Core.Options;
using Guard.Import;
using Guard.Model.Ids;
using Guard.Model.Stores;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Tests.Import;

public sealed class ImporterTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly GuardOptions _options = new();
    private readonly ScriptedStore _store = new();
    private readonly Recorder _seen = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string Line(int i) => $$"""{"name":"room","key":"k{{i}}","runner_name_selector":"default"}""";

    private Task<ImportTotals> RunAsync(params string[] lines)
    {
        var input = PipeReader.Create(new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', lines))));
        return new Importer(_store, new LiveOptions(_options), _time).RunAsync(
            new ImportLines(input, 0, 0), new("default", MayBeNamed: true), ImportTotals.None, _seen, Token);
    }

    [Fact]
    public async Task RunAsync_MoreLinesThanABatch_WrittenInOrder()
    {
        _options.Import.BatchSize = 3;

        var totals = await RunAsync(Line(0), "", Line(1), "{", Line(2), Line(3), Line(4));

        Assert.Equal([["k0", "k1"], ["k2", "k3"], ["k4"]], _store.Batches);
        Assert.Equal(new(7, 5, 0, 1), totals);
        Assert.Equal([3L, 6, 7], _seen.Batches.Select(b => b.Totals.Lines));
        Assert.StartsWith("4: ", Assert.Single(_seen.Bad), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_LargeLines_BatchEndsByBytes()
    {
        var line = $$"""{"name":"room","key":"k","runner_name_selector":"default","input":"{{new string('A', 1_000_000)}}"}""";

        await RunAsync([.. Enumerable.Repeat(line, 9)]);

        Assert.Equal([5, 4], _store.Batches.Select(b => b.Length));
    }

    [Fact]
    public async Task RunAsync_OnlyBadLines_StillTellsHowFarItIs()
    {
        _options.Import.BatchSize = 2;

        var totals = await RunAsync("{", "[]", "1");

        Assert.Equal(new(3, 0, 0, 3), totals);
        Assert.Equal([2L, 3], _seen.Batches.Select(b => b.Totals.Bad));
        Assert.Empty(_store.Batches);
    }

    [Fact]
    public async Task RunAsync_BatchTakesTooLong_TriedAgainThenDone()
    {
        _store.Next.Enqueue(ScriptedStore.Hang);

        var totals = await WhileTimePassesAsync(RunAsync(Line(0)));

        Assert.Equal("a batch took longer than Guard:Import:BatchTimeout (00:00:02.5000000) 500", Assert.Single(_seen.Retries));
        Assert.Equal(new(1, 1, 0, 0), totals);
        Assert.Equal(2, _store.Batches.Count);
    }

    [Fact]
    public async Task RunAsync_StoreStaysAway_StopsAfterMaxAttemptsWithWhatItSaid()
    {
        _options.Import.BatchSize = 1;
        _store.Next.Enqueue(null);
        for (var i = 0; i < 4; i++)
        {
            _store.Next.Enqueue(_ => throw new StoreException(StoreFailure.Away, "away"));
        }

        var stopped = await Assert.ThrowsAsync<StoreException>(() => WhileTimePassesAsync(RunAsync(Line(0), Line(1))));
        Assert.Equal("away; tried 4 times", stopped.Message);
        Assert.Equal(["away 500", "away 1000", "away 2000"], _seen.Retries);
        Assert.Equal(new(1, 1, 0, 0), Assert.Single(_seen.Batches).Totals);
    }

    [Fact]
    public async Task RunAsync_OutcomesOfTheStore_CountedAndTold()
    {
        var holder = ActorId.New(1);
        _store.Next.Enqueue(_ => [new(ImportStatus.Exists), new(ImportStatus.NoPool), new(ImportStatus.Conflict, holder), new(ImportStatus.Conflict)]);

        var totals = await RunAsync(Line(0), Line(1), Line(2), Line(3));

        Assert.Equal(new(4, 0, 1, 3), totals);
        Assert.Equal(
            [
                "2: runner_name_selector: the pool default/default has no runner-config", $"3: key: belongs to actor {holder}",
                "4: actor_id: belongs to an actor of another name, key or pool, or to one that was destroyed",
            ],
            _seen.Bad);
    }

    /// <summary>Moves the clock until the import has ended.</summary>
    private async Task<ImportTotals> WhileTimePassesAsync(Task<ImportTotals> run)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!run.IsCompleted)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromSeconds(20));
            _time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Yield();
        }

        return await run;
    }

    /// <summary>Does what it is told for each batch; creates all when it is told nothing.</summary>
    private sealed class ScriptedStore : IActorImportStore
    {
        public static readonly Func<CancellationToken, IReadOnlyList<ImportOutcome>?> Hang = _ => null;

        public Queue<Func<CancellationToken, IReadOnlyList<ImportOutcome>?>?> Next { get; } = new();

        public List<string[]> Batches { get; } = [];

        public async ValueTask<IReadOnlyList<ImportOutcome>> ImportAsync(IReadOnlyList<ImportedActor> batch, CancellationToken cancellationToken)
        {
            Batches.Add([.. batch.Select(b => b.Actor.Key!)]);
            if (!Next.TryDequeue(out var script) || script is null)
            {
                return [.. batch.Select(_ => new ImportOutcome(ImportStatus.Created))];
            }

            if (script(cancellationToken) is { } outcomes)
            {
                return outcomes;
            }

            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            return [];
        }
    }

    private sealed class Recorder : IImportObserver
    {
        public List<string> Bad { get; } = [];

        public List<(ImportTotals Totals, long End)> Batches { get; } = [];

        public List<string> Retries { get; } = [];

        public void BadLine(long line, string reason) => Bad.Add(string.Create(CultureInfo.InvariantCulture, $"{line}: {reason}"));

        public void BatchDone(ImportTotals totals, long end) => Batches.Add((totals, end));

        public void Retrying(string reason, TimeSpan delay) => Retries.Add(string.Create(CultureInfo.InvariantCulture, $"{reason} {delay.TotalMilliseconds:0}"));
    }
}
