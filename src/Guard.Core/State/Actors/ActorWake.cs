using Guard.Core.Async;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Core.State.Actors;

/// <summary>
/// One wake of one actor by this Guard: the only loop of this Guard that reads the actor and starts it. It asks the store for the start;
/// then it starts the actor on the runner it was given, waits for a slot, or follows the start of another Guard, and tells its listener what
/// it learns. It goes on while there is a listener; a start that was sent goes on without. A restart is the same without a listener.
/// </summary>
/// <remarks>
/// <para>asking → starting → (awaiting ready) → ready, asking again, or failed; asking → waiting for a slot → asking; asking → following →
/// asking.</para>
/// <para>The loop is one task; everything public is thread-safe.</para>
/// </remarks>
internal sealed partial class ActorWake
{
    /// <summary>While a start is under way, or a slot is waited for, an unchanged actor is read once in so many repair intervals.</summary>
    private const int StartReads = 10;

    private readonly ActorStarter _owner;
    private readonly WakeServices _services;
    private readonly SlotQueues _slots;
    private readonly bool _isRestart;
    private readonly TaskCompletionSource<WakeOutcome> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private readonly WakeTries _tries = new();
    private volatile WakeListener? _listener;
    private volatile bool _hasEnded;
    private volatile bool _isStarting = true;
    private volatile bool _wantsCapacity;
    private volatile bool _hasTurn;
    private volatile bool _hadSlot;
    private volatile bool _storeDown;
    private volatile bool _hasAsked;
    private volatile bool _mustLook;
    private volatile ActorError? _refusal;
    private CancellationToken _unwanted;

    // The newest revision heard of, the same before the last read, and the newest one known: a change that is known needs no read.
    private long _heard;
    private long _heardAtRead;
    private long _known;
    private long _readAt;

    // The generation another Guard is starting; 0 when none is followed.
    private long _followed;
    private bool _follows;

    /// <param name="owner">The table of wakes, which it leaves when it ends.</param>
    /// <param name="id">The actor.</param>
    /// <param name="pool">Its pool.</param>
    /// <param name="listener">Who waits for it; null for a restart.</param>
    public ActorWake(ActorStarter owner, ActorId id, PoolId pool, WakeListener? listener)
    {
        _owner = owner;
        _services = owner.Services;
        _slots = owner.Slots;
        _isRestart = listener is null;
        _listener = listener;
        Id = id;
        Pool = pool;
        Pulse = new Pulse(owner.Services.Time);
    }

    public ActorId Id { get; }

    public PoolId Pool { get; }

    public Pulse Pulse { get; }

    /// <summary>Ends with what came of the wake first; never faults.</summary>
    public Task<WakeOutcome> Completion => _completion.Task;

    /// <summary>It asks for a start, or one that it began is under way.</summary>
    public bool IsStarting => _isStarting && !_wantsCapacity;

    /// <summary>It waits for a slot of its pool.</summary>
    public bool WantsCapacity => _wantsCapacity;

    /// <summary>A runner has had a slot for it at least once.</summary>
    public bool HadSlot => _hadSlot;

    /// <summary>A store call of the wake has been answered, or has failed: before that it is not known whether there is a slot.</summary>
    public bool HasAsked => _hasAsked;

    /// <summary>The first runner's refusal of a wake that waits for a slot of another runner; null when there was none.</summary>
    public ActorError? Refusal => _wantsCapacity ? _refusal : null;

    /// <summary>The last store call of the wake failed.</summary>
    public bool StoreDown
    {
        get => _storeDown;
        set
        {
            _storeDown = value;
            _hasAsked = true;
        }
    }

    /// <summary>Of those that wait for a slot it is the one to ask now: see <see cref="SlotQueues"/>.</summary>
    public bool HasTurn
    {
        get => _hasTurn;
        set => _hasTurn = value;
    }

    /// <summary>Its place among those that wait for a slot, from the first refusal on; 0 before. Guarded by the lock of <see cref="SlotQueues"/>.</summary>
    public long Ticket { get; set; }

    private TimeSpan RepairInterval => _services.Options.Current.Readiness.RepairInterval;

    private bool IsWanted => _listener is not null || (_isRestart && !_completion.Task.IsCompleted && !_unwanted.IsCancellationRequested);

    /// <summary>Makes the listener the one that is told, in place of one that is about to leave; false when the wake has ended.</summary>
    public bool TryJoin(WakeListener listener)
    {
        lock (_gate)
        {
            if (_hasEnded)
            {
                return false;
            }

            _listener = listener;
        }

        Poke();
        return true;
    }

    /// <summary>Nobody waits for the actor any more.</summary>
    public void Leave(WakeListener listener)
    {
        lock (_gate)
        {
            if (_listener != listener)
            {
                return;
            }

            _listener = null;
        }

        Pulse.Set();
    }

    /// <summary>The actor changed.</summary>
    public void Changed(long revision)
    {
        lock (_gate)
        {
            _heard = Math.Max(_heard, revision);
            if (_heard <= _known)
            {
                return;
            }
        }

        Pulse.Set();
    }

    /// <summary>The actor is to be read again and told of: a change may have been missed, or a request waits for something else.</summary>
    public void Poke()
    {
        _mustLook = true;
        Pulse.Set();
    }

    /// <summary>The loop. Call once; ends with the wake. Never throws.</summary>
    public async Task RunAsync(CancellationToken unwanted)
    {
        // Off the caller's stack: the wake may tell its listener before the caller has it.
        await Task.Yield();
        _unwanted = unwanted;
        using var wanted = unwanted.UnsafeRegister(static wake => ((ActorWake)wake!).Pulse.Set(), this);
        try
        {
            while (!_hasEnded)
            {
                if (IsWanted)
                {
                    await (_follows ? FollowAsync() : AskAsync());
                    continue;
                }

                await GiveBackAsync();
                EndUnwanted();
            }
        }
        catch (Exception e)
        {
            LogWakeBroke(_services.Logger, e, Id.ToString());
            End(WakeStatus.Failed, new(WakeNewsKind.Failed, Error: new(ActorErrorKind.InternalError)));
        }
    }

    /// <summary>Asks the store for the start, and goes where its answer leads.</summary>
    private async Task AskAsync()
    {
        _isStarting = true;
        if (_tries.BackOff(_services) is { } delay)
        {
            await DelayAsync(delay);
            return;
        }

        StartGrant grant;
        var mark = Mark();
        try
        {
            grant = await BeginAsync();
            StoreDown = false;
            _slots.Asked(this, grant.Status);
        }
        catch (StoreException e)
        {
            _services.Metrics.WakeEnded("unavailable");
            StoreFailed(e);
            await PauseAsync();
            return;
        }

        Know(grant.Actor);
        switch (grant.Status)
        {
            case StartGrantStatus.Granted:
                await StartAsync(grant, mark);
                break;
            case StartGrantStatus.AlreadyReady:
                Ready(grant.Actor!, mark);
                break;
            case StartGrantStatus.NoCapacity:
                await NoCapacityAsync(grant.HasUntried);
                break;
            case StartGrantStatus.StartingElsewhere:
                await StartingElsewhereAsync(grant.Actor!, mark);
                break;
            case StartGrantStatus.Stopping:
                await PauseAsync();
                break;
            default:
                Gone(grant.Actor);
                break;
        }
    }

    private async Task<StartGrant> BeginAsync()
    {
        Reading();
        var suspects = new HashSet<string>();
        _services.Suspects.AddTo(suspects);
        await _services.Liveness.EnsureAliveAsync();
        var request = new StartRequest(
            Id, Pool, _services.Identity.Id, suspects, _tries.Failed?.Generation, _wantsCapacity, _tries.Runners);
        return await _services.Actors.TryBeginStartAsync(request, CancellationToken.None);
    }

    private async Task NoCapacityAsync(bool hasUntried)
    {
        // Final only where every other eligible runner has had its try. One that is full or suspect has not; nor is there anything to end
        // once the failed generation has been given back.
        if (_tries is { LastFailure: { } failure, Failed: not null } && !hasUntried)
        {
            await EndFailedAsync(failure, final: true);
            End(WakeStatus.Failed, new(WakeNewsKind.Failed, Error: failure));
            return;
        }

        var gaveBack = _tries.Failed is not null;
        await GiveBackAsync();
        if (_listener is null)
        {
            Outcome(WakeStatus.Abandoned);
            return;
        }

        if (gaveBack)
        {
            // The actor is at rest now: asking again makes it pending.
            return;
        }

        _services.Metrics.WakeEnded("no_capacity");
        _wantsCapacity = true;
        await _slots.WaitAsync(this);
    }

    private async Task StartingElsewhereAsync(ActorRecord actor, int mark)
    {
        if (_tries.Failed is not null)
        {
            // The generation this wake could have replaced has been replaced by another.
            _tries.Replaced();
            return;
        }

        if (await IsDrivenByNobodyAsync(actor))
        {
            LogTakenOver(_services.Logger, Id.ToString(), actor.Generation, actor.Runner!.RunnerId, actor.Starter!);
            _services.Metrics.WakeEnded("taken_over");
            _tries.TakeOver(actor);
            return;
        }

        _services.Metrics.WakeEnded("superseded");
        _hadSlot = true;
        Follow(actor.Generation);
        Outcome(WakeStatus.Elsewhere);
        Tell(new(WakeNewsKind.HasRunner, actor, Mark: mark));
    }

    /// <summary>This Guard's own start is from a wake that broke off, or the store's answer to it was lost: there is no other wake to drive it.</summary>
    private async ValueTask<bool> IsDrivenByNobodyAsync(ActorRecord actor)
        => actor.Starter == _services.Identity.Id || await _services.Liveness.IsDeadAsync(actor.Starter!);

    private void Follow(long generation)
    {
        _wantsCapacity = false;
        _isStarting = false;
        _follows = true;
        _followed = generation;
        _tries.Clear();
        _refusal = null;
    }

    /// <summary>Reads the actor when it changed, and every <c>Readiness:RepairInterval</c>: another Guard starts it, or it is ready and what
    /// waits still does not want it as it is.</summary>
    private async Task FollowAsync()
    {
        await Pulse.WaitAsync(RepairInterval, CancellationToken.None);
        if (!IsWanted || !NeedsLook(RepairInterval))
        {
            return;
        }

        var mark = Mark();
        var (isKnown, actor) = await TryReadAsync();
        if (!isKnown)
        {
            return;
        }

        switch (actor)
        {
            case null or { State: ActorState.Destroyed }:
                Gone(actor);
                return;
            case { State: ActorState.Ready }:
                Follow(0);
                _hadSlot = true;
                Tell(new(WakeNewsKind.HasRunner, actor, Mark: mark));
                return;
            case { State: ActorState.Starting }:
                _hadSlot = true;
                if (await IsDrivenByNobodyAsync(actor))
                {
                    _follows = false;
                }
                else
                {
                    _followed = actor.Generation;
                }

                Tell(new(WakeNewsKind.HasRunner, actor, Mark: mark));
                return;
            case { State: ActorState.Crashed, Error: { Kind: ActorErrorKind.Crashed or ActorErrorKind.RunnerNoResponse } error }
                when _followed != 0 && actor.Generation >= _followed:
                // The followed start has failed for good, on the runner it was seen on or on a later one. The other errors come after
                // ready: what was ready may be woken again.
                End(WakeStatus.Failed, new(WakeNewsKind.Failed, Error: error));
                return;
            default:
                _follows = !ActorLifecycle.IsAtRest(actor.State);
                return;
        }
    }

    /// <summary>Whether the actor may have changed since it was read, or has not been read for so long.</summary>
    private bool NeedsLook(TimeSpan interval)
    {
        lock (_gate)
        {
            return _mustLook || _heard > _known || _services.Time.GetElapsedTime(_readAt) >= interval;
        }
    }

    /// <summary>Call before the store is asked: what was heard until now is known with its answer.</summary>
    private void Reading()
    {
        lock (_gate)
        {
            _mustLook = false;
            _heardAtRead = _heard;
            _readAt = _services.Time.GetTimestamp();
        }
    }

    private void Know(ActorRecord? actor)
    {
        lock (_gate)
        {
            _known = Math.Max(_known, Math.Max(_heardAtRead, actor?.Revision ?? 0));
        }
    }

    /// <summary>Reads the actor once.</summary>
    private async Task<(bool IsKnown, ActorRecord? Actor)> TryReadAsync()
    {
        Reading();
        try
        {
            var actor = await _services.Actors.GetAsync(Id, Pool, CancellationToken.None);
            StoreDown = false;
            Know(actor);
            return (true, actor);
        }
        catch (StoreException e)
        {
            StoreFailed(e);
            return (false, null);
        }
    }

    private int Mark() => _listener?.Mark() ?? -1;

    private void Tell(in WakeNews news) => _listener?.Tell(news);

    private void Ready(ActorRecord actor, int mark)
    {
        _hadSlot = true;
        Follow(0);
        Outcome(WakeStatus.Ready);
        Tell(new(WakeNewsKind.HasRunner, actor, Mark: mark));
    }

    private void Gone(ActorRecord? actor) => End(WakeStatus.Gone, new(WakeNewsKind.Gone, actor));

    private void Outcome(WakeStatus status) => _completion.TrySetResult(new(status));

    private void EndUnwanted()
    {
        lock (_gate)
        {
            if (IsWanted)
            {
                return;
            }

            _hasEnded = true;
        }

        Ended(WakeStatus.Abandoned);
    }

    /// <summary>Ends the wake and tells its listener, which ends all that wait.</summary>
    private void End(WakeStatus status, in WakeNews news)
    {
        WakeListener? listener;
        lock (_gate)
        {
            _hasEnded = true;
            listener = _listener;
        }

        Ended(status);
        listener?.Tell(news);
    }

    // First gone from the table, then told: a request that is released by it and wants another wake begins a new one.
    private void Ended(WakeStatus status)
    {
        _owner.Remove(this);
        _slots.Ended(this);
        Outcome(status);
    }

    private async Task DelayAsync(TimeSpan delay)
    {
        var since = _services.Time.GetTimestamp();
        for (var left = delay; left > TimeSpan.Zero && IsWanted; left = delay - _services.Time.GetElapsedTime(since))
        {
            await Pulse.WaitAsync(left, CancellationToken.None);
        }
    }

    /// <summary>Waits for a change, at most <c>Readiness:RepairInterval</c>.</summary>
    private ValueTask PauseAsync() => Pulse.WaitAsync(RepairInterval, CancellationToken.None);

    /// <summary>Nothing is known, so nothing ends: what waits does so until its deadline, for the store to come back or its record to be mended.</summary>
    private void StoreFailed(StoreException e)
    {
        if (!StoreDown && e.Kind != StoreFailure.Away)
        {
            LogUnusable(_services.Logger, Id.ToString(), e.Message);
        }

        StoreDown = true;
        Tell(new(WakeNewsKind.StoreAway));
    }
}
