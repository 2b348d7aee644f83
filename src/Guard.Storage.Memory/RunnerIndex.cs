using System.Collections.Concurrent;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Storage.Memory;

/// <summary>
/// The runners of one namespace by age; stopped ones stay for a while. Guarded by the lock of the namespace, except
/// <paramref name="byId"/>, which all namespaces share.
/// </summary>
internal sealed class RunnerIndex(ConcurrentDictionary<string, RunnerEntry> byId)
{
    private readonly CreationList<RunnerEntry> _all = new();
    private readonly Queue<(RunnerEntry Runner, long Stopped)> _stopped = new();

    public void Add(RunnerEntry runner) => _all.Add(runner);

    public void Bury(RunnerEntry runner, long timestamp) => _stopped.Enqueue((runner, timestamp));

    /// <summary>Forgets up to <paramref name="most"/> runners stopped before <paramref name="before"/>; the number it forgot.</summary>
    public int Purge(long before, int most)
    {
        var purged = 0;
        while (purged < most && _stopped.TryPeek(out var stopped) && stopped.Stopped < before)
        {
            _stopped.Dequeue();
            purged++;
            byId.TryRemove(stopped.Runner.Record.RunnerId, out _);
            stopped.Runner.IsPurged = true;
            _all.Purged();
        }

        return purged;
    }

    public Page<RunnerRecord> List(RunnerQuery query) => _all.Read(ListCursor.Runners, query.Cursor, query.Limit, r => Match(r, query));

    private static RunnerRecord? Match(RunnerEntry runner, RunnerQuery query)
    {
        var record = runner.Record;
        return (query.IncludeStopped || record.StopTs == 0) && (query.Name is null || record.Pool.Name == query.Name) ? record : null;
    }
}
