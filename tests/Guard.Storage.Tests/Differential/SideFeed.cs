using System.Globalization;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Differential;

/// <summary>What one store told since it was last asked. Thread-safe.</summary>
internal sealed class SideFeed : IChangeSink
{
    private readonly Lock _gate = new();
    private readonly List<object> _told = [];
    private readonly TaskCompletionSource _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _settled;
    private string? _mark;
    private int _awaited;

    /// <summary>Completes when the feed hears what is published.</summary>
    public Task Listening => _listening.Task;

    /// <summary>Completes when so many messages about <paramref name="mark"/> have come; they are not told.</summary>
    public Task Await(PoolId mark, int messages)
    {
        lock (_gate)
        {
            (_mark, _awaited) = (mark.Namespace, messages);
            _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return _settled.Task;
        }
    }

    /// <summary>What was told, and forgets it; in order only where it is about the health of one pool. Changes of actors, runner-configs and health count each; of capacity only that there is
    /// some, for that is a hint to look.</summary>
    /// <param name="canonical">Of the side.</param>
    /// <param name="withActors">False where the stores need not tell of each actor.</param>
    public IEnumerable<string> Take(Canonical canonical, bool withActors)
    {
        object[] told;
        lock (_gate)
        {
            told = [.. _told];
            _told.Clear();
        }

        var health = told.OfType<PoolHealthSnapshot>().OrderBy(h => h.Pool.ToString(), StringComparer.Ordinal).Select(h => "told health " + canonical.Of(h));
        var rest = told.OfType<string>().Where(t => withActors || !t.StartsWith("told actor", StringComparison.Ordinal));
        return health.Concat(rest.Where(t => !t.StartsWith("told capacity ", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
            .Concat(rest.Where(t => t.StartsWith("told capacity ", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal));
    }

    public void Clear()
    {
        lock (_gate)
        {
            _told.Clear();
        }
    }

    public void ActorChanged(ActorId id, PoolId pool, long revision) => Tell(FormattableString.Invariant($"told actor {id} {pool} {revision}"), pool);

    public void PoolHealthChanged(PoolHealthSnapshot health) => Tell(health, health.Pool);

    public void CapacityChanged(PoolId pool) => Tell($"told capacity {pool}", pool);

    public void CapacityWanted(PoolId pool) => Tell($"told wanted {pool}", pool);

    public void ConnectEnded(PoolId pool, PoolErrorKind? failure, TimeSpan wait)
        => Tell(string.Create(CultureInfo.InvariantCulture, $"told connect {pool} {failure} {wait}"), pool);

    public void PoolConfigChanged(PoolId pool) => Tell($"told config {pool}", pool);

    public void Gap() => _listening.TrySetResult();

    private void Tell(object what, PoolId pool)
    {
        TaskCompletionSource? settled = null;
        lock (_gate)
        {
            if (_mark is not null && pool.Namespace == _mark)
            {
                if (--_awaited == 0)
                {
                    settled = _settled;
                }
            }
            else
            {
                _told.Add(what);
            }
        }

        settled?.TrySetResult();
    }
}
