using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Health;

/// <summary>
/// Fills <c>guard_runners</c> from the store when somebody scrapes. A store that does not answer in time leaves the numbers of the
/// scrape before: a scrape must not fail because of it. Thread-safe.
/// </summary>
internal sealed partial class RunnerGauges(
    IPoolStore pools, IRunnerStore runners, LiveOptions options, GuardMetrics metrics, TimeProvider time, ILogger<RunnerGauges> logger)
    : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2);
    private static readonly string[] States = ["eligible", "unresponsive", "draining"];
    private const int PageSize = 1000;

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly HashSet<(string Namespace, string Pool)> _labelled = [];

    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(Deadline, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            await _turn.WaitAsync(both.Token);
            try
            {
                Publish(await CountAsync(both.Token).WaitAsync(both.Token));
            }
            finally
            {
                _turn.Release();
            }
        }
        catch (Exception e) when (e is StoreException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            LogNotRead(e.Message);
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task<Dictionary<(string Namespace, string Pool), int[]>> CountAsync(CancellationToken cancellationToken)
    {
        var counts = new Dictionary<(string, string), int[]>();
        foreach (var @namespace in await pools.ListNamespacesAsync(cancellationToken))
        {
            // A configured pool without runners is a fact worth a zero; runners may outlive their pool's configuration.
            await foreach (var entry in PagesAsync(cursor => pools.ListAsync(new PoolQuery(@namespace, null, PageSize, cursor), cancellationToken)))
            {
                CounterOf(entry.Pool, counts);
            }

            await foreach (var runner in PagesAsync(cursor => runners.ListAsync(
                new RunnerQuery(@namespace, null, IncludeStopped: false, PageSize, cursor), cancellationToken)))
            {
                if (runner.StopTs == 0)
                {
                    CounterOf(runner.Pool, counts)[StateOf(runner)]++;
                }
            }
        }

        return counts;
    }

    private static async IAsyncEnumerable<T> PagesAsync<T>(Func<string?, ValueTask<Page<T>>> list)
    {
        string? cursor = null;
        do
        {
            var page = await list(cursor);
            foreach (var item in page.Items)
            {
                yield return item;
            }

            cursor = page.Cursor;
        }
        while (cursor is not null);
    }

    private int[] CounterOf(PoolId pool, Dictionary<(string, string), int[]> counts)
    {
        var label = (pool.Namespace, pool.Name);
        if (!_labelled.Contains(label) && _labelled.Count + counts.Keys.Count(key => !_labelled.Contains(key)) >= options.Current.Metrics.MaxPools)
        {
            label = ("other", "other");
        }

        if (!counts.TryGetValue(label, out var count))
        {
            counts[label] = count = new int[States.Length];
        }

        return count;
    }

    private int StateOf(RunnerRecord runner)
    {
        if (runner.DrainTs != 0)
        {
            return 2;
        }

        var age = time.GetUtcNow().ToUnixTimeMilliseconds() - runner.LastPingTs;
        return runner.IsStatic || age < options.Current.Runners.EligibleAfter.TotalMilliseconds ? 0 : 1;
    }

    private void Publish(Dictionary<(string Namespace, string Pool), int[]> counts)
    {
        // A pool that is gone has no runners; a gauge nobody sets would keep its last number for ever.
        foreach (var gone in _labelled.Where(label => !counts.ContainsKey(label)))
        {
            counts[gone] = new int[States.Length];
        }

        foreach (var ((@namespace, pool), count) in counts)
        {
            _labelled.Add((@namespace, pool));
            for (var i = 0; i < States.Length; i++)
            {
                metrics.SetRunners(@namespace, pool, States[i], count[i]);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Debug, "guard_runners was not read from the store; the likely cause: the store is down or slow ({Reason})", EventName = "RunnersNotCounted")]
    private partial void LogNotRead(string reason);
}
