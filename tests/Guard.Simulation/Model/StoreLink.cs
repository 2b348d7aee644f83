using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Guard.Simulation.Engine;

namespace Guard.Simulation.Model;

/// <summary>
/// The way between one Guard and the store: calls with their deadline, and the change feed. Calls get lost, late or refused, events lost,
/// late, repeated or out of order; after a break the Guard subscribes anew and is told of the gap.
/// </summary>
internal sealed class StoreLink(World world, SimProcess guard) : IChangeFeed, IChangeSink
{
    /// <summary>Every call's own.</summary>
    private static readonly TimeSpan CallDeadline = TimeSpan.FromSeconds(1);

    /// <summary>A call that takes so long counts as a failure of the store to whoever judges what came of it.</summary>
    private static readonly TimeSpan Hang = TimeSpan.FromMilliseconds(20);

    private readonly List<IChangeSink> _sinks = [];
    private bool _isSubscribed = true;
    private int _connection;
    private long _lastFailure = long.MinValue;
    private long _hangsUntil = long.MinValue;

    /// <summary>Nothing comes through.</summary>
    public bool IsCut { get; private set; }

    public StoreContact Contact { get; } = new();

    /// <summary>When a call of this Guard last failed or hung, or contact was last known to be lost; before any of it, long ago.</summary>
    public long LastFailure => Contact.IsUp && !world.Store.Process.IsPaused
        ? Math.Max(_lastFailure, Math.Min(world.Scheduler.Now, _hangsUntil))
        : world.Scheduler.Now;

    private bool IsBroken => IsCut || world.Store.IsDown;

    public async ValueTask<T> CallAsync<T>(string operation, Func<ValueTask<T>> script, CancellationToken cancellationToken)
    {
        if (IsBroken && world.Chance(0.5))
        {
            // The connection is known to be gone: nothing waits for it.
            await Task.Delay(world.Delay(), guard.Time, cancellationToken);
            throw Failed($"{operation}: not connected");
        }

        var began = world.Scheduler.Now;
        var fate = world.StoreFate();
        if (fate.There + fate.Back > Hang)
        {
            _hangsUntil = Math.Max(_hangsUntil, world.Scheduler.Now + (fate.There + fate.Back).Ticks);
        }

        using var deadline = new CancellationTokenSource(CallDeadline, guard.Time);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            return await Wire.CallAsync(guard, world.Store.Process, fate, () => Arrive(operation, script), patience.Token);
        }
        catch (Exception e) when (e is IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw Failed($"{operation}: {(e is IOException ? "broken" : "no answer in time")}");
        }
        catch (OperationCanceledException) when (world.Scheduler.Now - began > Hang.Ticks)
        {
            // The caller's own patience ended first.
            _lastFailure = world.Scheduler.Now;
            throw;
        }
    }

    public void Cut()
    {
        IsCut = true;
        Break();
    }

    public void Mend()
    {
        IsCut = false;
        Reconnect();
    }

    /// <summary>The connection is gone, here or for everyone.</summary>
    public void Break()
    {
        _isSubscribed = false;
        var connection = ++_connection;
        guard.After(world.Between(0, 1500), () => SetContact(connection, isUp: false));
    }

    /// <summary>The way is free again: the Guard finds out in its own time.</summary>
    public void Reconnect()
    {
        if (IsBroken)
        {
            return;
        }

        var connection = ++_connection;
        guard.After(world.Between(0, 1000), () =>
        {
            if (connection == _connection && guard.IsAlive)
            {
                _isSubscribed = true;
                SetContact(connection, isUp: true);
                world.History.Note(guard, $"hears changes again");
                Tell(static sink => sink.Gap());
            }
        });
    }

    void IChangeFeed.Subscribe(IChangeSink sink) => _sinks.Add(sink);

    void IChangeSink.ActorChanged(ActorId id, PoolId pool, long revision)
        => Send(sink => sink.ActorChanged(id, pool, revision));

    void IChangeSink.PoolHealthChanged(PoolHealthSnapshot health)
    {
        if (world.Parameters.Options.FailFast.Push)
        {
            Send(sink => sink.PoolHealthChanged(health));
        }
    }

    void IChangeSink.CapacityChanged(PoolId pool) => Send(sink => sink.CapacityChanged(pool));

    void IChangeSink.CapacityWanted(PoolId pool) => Send(sink => sink.CapacityWanted(pool));

    void IChangeSink.ConnectEnded(PoolId pool, PoolErrorKind? failure, TimeSpan wait) => Send(sink => sink.ConnectEnded(pool, failure, wait));

    void IChangeSink.PoolConfigChanged(PoolId pool) => Send(sink => sink.PoolConfigChanged(pool));

    void IChangeSink.Gap() => Send(static sink => sink.Gap());

    private ValueTask<T> Arrive<T>(string operation, Func<ValueTask<T>> script)
    {
        if (IsBroken)
        {
            throw new IOException("connection reset");
        }

        world.History.Note(guard, $"store: {operation}");
        return script();
    }

    private StoreException Failed(string what)
    {
        _lastFailure = world.Scheduler.Now;
        world.History.Note(guard, $"store failed: {what}");
        return new(StoreFailure.Away, what);
    }

    /// <summary>From the store's process to the Guard's.</summary>
    private void Send(Action<IChangeSink> tell)
    {
        if (!_isSubscribed || !guard.IsAlive)
        {
            return;
        }

        for (var copies = world.EventCopies(); copies > 0; copies--)
        {
            guard.After(world.EventDelay(), () => Tell(tell));
        }
    }

    private void Tell(Action<IChangeSink> tell)
    {
        foreach (var sink in _sinks)
        {
            tell(sink);
        }
    }

    private void SetContact(int connection, bool isUp)
    {
        if (connection == _connection && Contact.Set(isUp))
        {
            _lastFailure = world.Scheduler.Now;
            world.History.Note(guard, $"store is {(isUp ? "up" : "lost")}");
        }
    }
}
