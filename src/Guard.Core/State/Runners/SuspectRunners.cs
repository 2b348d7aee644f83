using System.Collections.Concurrent;

namespace Guard.Core.State.Runners;

/// <summary>Runners this Guard could not reach a moment ago: they get no new starts for a while. Local knowledge, never shared: another
/// Guard may well reach them. Thread-safe.</summary>
internal sealed class SuspectRunners(TimeProvider time)
{
    /// <summary>How long a runner that was not reached gets no starts: docs/contract.md, section 4, item 4.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, long> _since = new();

    public void Suspect(string runnerId) => _since[runnerId] = time.GetTimestamp();

    /// <summary>It answered: it is reachable.</summary>
    public void Clear(string runnerId)
    {
        if (!_since.IsEmpty)
        {
            _since.TryRemove(runnerId, out _);
        }
    }

    /// <summary>Adds those suspect now to <paramref name="runnerIds"/>.</summary>
    public void AddTo(ISet<string> runnerIds)
    {
        foreach (var (runnerId, since) in _since)
        {
            if (time.GetElapsedTime(since) < Duration)
            {
                runnerIds.Add(runnerId);
            }
            else
            {
                _since.TryRemove(KeyValuePair.Create(runnerId, since));
            }
        }
    }
}
