using System.Globalization;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Load.Moves;

/// <summary>
/// Moves actors through the transitions of the store, as fast as asked or as it can. By start: the runner's <c>sleep</c>, a start on
/// another runner in the next generation, its <c>ready</c>. By address: a runner registers again at another address, and all of its actors are
/// there.
/// </summary>
internal sealed class ActorMoves(StoreLink store, PoolId pool, IReadOnlyList<ActorId> actors, int[] ports)
{
    private const int Workers = 48;
    private const string Starter = "load-mover";
    private readonly PlaceHistory[] _histories = [.. actors.Select(_ => new PlaceHistory())];
    private readonly ActorRecord[] _records = new ActorRecord[actors.Count];
    private readonly Dictionary<string, (string Key, int[] Actors, PlaceHistory History)> _runners = [];
    private long _addresses;
    private int _done;
    private int _otherwise;

    /// <summary>Moves that came to their end.</summary>
    public int Done => Volatile.Read(ref _done);

    /// <summary>Moves that somebody else ended: a request woke the actor between its end and its start.</summary>
    public int Otherwise => Volatile.Read(ref _otherwise);

    public bool ByAddress { get; private init; }

    /// <summary>Reads where everybody is; call before the first move.</summary>
    public static async Task<ActorMoves> BeginAsync(
        StoreLink store, PoolId pool, IReadOnlyList<ActorId> actors, IReadOnlyDictionary<string, string> runnerKeys, int[] ports, bool byAddress, CancellationToken cancellationToken)
    {
        var moves = new ActorMoves(store, pool, actors, ports) { ByAddress = byAddress };
        for (var i = 0; i < actors.Count; i++)
        {
            moves._records[i] = await store.Actors.GetAsync(actors[i], pool, cancellationToken)
                is { State: ActorState.Ready } ready ? ready : throw new LoadException("an actor is not ready before the first move");
        }

        foreach (var (runner, key) in byAddress ? runnerKeys : new Dictionary<string, string>())
        {
            var owned = Enumerable.Range(0, actors.Count).Where(i => moves._records[i].Runner!.RunnerId == runner).ToArray();
            var shared = new PlaceHistory();
            moves._runners[runner] = (key, owned, shared);
            Array.ForEach(owned, i => moves._histories[i] = shared);
        }

        return moves;
    }

    /// <summary>How long the place that answered had been left when it was asked.</summary>
    public TimeSpan LeftFor(Clients.Answer answer) => _histories[answer.Actor].LeftFor(PlaceOf(answer), answer.SentAt);

    /// <summary>Whether the answer came from where the actor is now, by what the store says.</summary>
    public async Task<bool> IsRightAsync(Clients.Answer answer, CancellationToken cancellationToken)
        => await store.Actors.GetAsync(actors[answer.Actor], pool, cancellationToken) is { State: ActorState.Ready } actor
            && answer.Generation == actor.Generation
            && (!ByAddress || actor.Runner!.Location.Endpoint.EndsWith($"/a{answer.Address}", StringComparison.Ordinal));

    /// <param name="perSecond">At most.</param>
    /// <param name="time">Ends after this.</param>
    /// <param name="cancellationToken">Ends it sooner.</param>
    public async Task RunAsync(double perSecond, TimeSpan time, CancellationToken cancellationToken)
    {
        (_done, _otherwise) = (0, 0);
        using var alive = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await store.Liveness.RenewAsync(Starter, cancellationToken);
        var beats = BeatAsync(alive.Token);
        var began = TimeProvider.System.GetTimestamp();
        await (ByAddress
            ? Task.WhenAll(_runners.Select((r, i) => MoveAddressesAsync(r.Key, i, perSecond, began, time, cancellationToken)))
            : Task.WhenAll(Enumerable.Range(0, Workers).Select(w => MoveStartsAsync(w, perSecond, began, time, cancellationToken))));
        await alive.CancelAsync();
        await beats;
    }

    private long PlaceOf(Clients.Answer answer) => ByAddress ? answer.Address : answer.Generation;

    private async Task BeatAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                await store.Liveness.RenewAsync(Starter, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The moves are over.
        }
    }

    /// <summary>Its own actors, one after the other: no two moves of one actor at the same time.</summary>
    private async Task MoveStartsAsync(int worker, double perSecond, long began, TimeSpan time, CancellationToken cancellationToken)
    {
        var own = Enumerable.Range(0, actors.Count).Where(i => i % Workers == worker).ToArray();
        for (var n = 0; own.Length > 0 && await IsDueAsync(((n * Workers) + worker) / perSecond, began, time, cancellationToken); n++)
        {
            await MoveStartAsync(own[n % own.Length], cancellationToken);
        }
    }

    private async Task MoveStartAsync(int index, CancellationToken cancellationToken)
    {
        var (id, actor) = (actors[index], _records[index]);
        var asleep = await store.Actors.ApplyEventAsync(actor.Runner!.RunnerId, new(id, actor.Generation, RunnerEventKind.Sleep, null), cancellationToken);
        if (asleep == RunnerEventResult.Ok)
        {
            _histories[index].Left(actor.Generation);
            var grant = await store.Actors.TryBeginStartAsync(new(id, pool, Starter, [actor.Runner.RunnerId]), cancellationToken);
            if (grant.Status == StartGrantStatus.Granted
                && (await store.Actors.CommitReadyAsync(id, pool, grant.Actor!.Generation, cancellationToken)).Result == TransitionResult.Ok)
            {
                _records[index] = grant.Actor;
                Interlocked.Increment(ref _done);
                return;
            }
        }

        // A request has woken it meanwhile: it moved all the same, if not by this hand.
        Interlocked.Increment(ref _otherwise);
        while (await store.Actors.GetAsync(id, pool, cancellationToken) is { } now)
        {
            if (now.State == ActorState.Ready)
            {
                _records[index] = now;
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, cancellationToken);
        }
    }

    private async Task MoveAddressesAsync(string runner, int offset, double perSecond, long began, TimeSpan time, CancellationToken cancellationToken)
    {
        var (key, owned, history) = _runners[runner];
        for (var n = 0; await IsDueAsync(((n * (double)actors.Count) + (offset * owned.Length)) / perSecond, began, time, cancellationToken); n++)
        {
            var address = Interlocked.Increment(ref _addresses);
            var endpoint = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ports[(n + offset) % ports.Length]}/a{address}");
            if (await store.Runners.RegisterAsync(new(ActorId.New(1).ToString(), pool, key, 1, new RunnerLocation.Http(endpoint, RunnerProtocol.Http1), 1_000_000), cancellationToken) is null)
            {
                throw new LoadException("a runner could not register again");
            }

            history.Left(address - 1);
            Interlocked.Add(ref _done, owned.Length);
        }
    }

    /// <summary>Waits until a move is due; false when the time is up.</summary>
    private static async Task<bool> IsDueAsync(double seconds, long began, TimeSpan time, CancellationToken cancellationToken)
    {
        var now = TimeProvider.System.GetElapsedTime(began);
        if (seconds >= time.TotalSeconds || now >= time)
        {
            return false;
        }

        if (seconds > now.TotalSeconds + 0.001)
        {
            await Task.Delay(TimeSpan.FromSeconds(seconds - now.TotalSeconds), TimeProvider.System, cancellationToken);
        }

        return true;
    }
}
