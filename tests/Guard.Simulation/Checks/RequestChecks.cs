using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Simulation.Engine;
using Guard.Simulation.Processes;

namespace Guard.Simulation.Checks;

/// <summary>Every request ends by its deadline, with an answer of the right kind for what happened.</summary>
internal sealed class RequestChecks(World world, ActorChecks actors, HealthChecks health)
{
    /// <summary>From the client's leaving until its place is free.</summary>
    private static readonly TimeSpan LeaveSlack = TimeSpan.FromMilliseconds(100);

    /// <summary>While calls to the store may hang: a request that comes to a red pool waits for the answer about a probe, for a second at
    /// most.</summary>
    private static readonly TimeSpan StoreSlack = TimeSpan.FromSeconds(1);

    /// <summary>An actor that is ready for so long, with the store at hand, is known to be by everyone who waits for it: an event lost, one
    /// repair interval, and the calls in between.</summary>
    private static readonly TimeSpan NoticedWithin = TimeSpan.FromMilliseconds(3500);

    private const FaultKinds StoreFaults
        = FaultKinds.Loss | FaultKinds.SlowStore | FaultKinds.StoreCut | FaultKinds.StoreDown | FaultKinds.StorePaused;

    private readonly List<SimRequest> _open = [];
    private readonly Dictionary<SimGuard, long> _pausedAt = [];
    private readonly Dictionary<SimGuard, long> _resumedAt = [];
    private readonly Dictionary<int, long> _wentWrongAt = [];
    private long _nextDue = long.MaxValue;
    private long _runnerFailedAt = long.MinValue;

    public int Ended { get; private set; }

    private long Now => world.Scheduler.Now;

    /// <summary>Beyond the deadline: the last calls of what ended well at the last moment.</summary>
    private long Slack => TimeSpan.FromMilliseconds(100).Ticks + MoreWithoutStore;

    private long MoreWithoutStore => world.Parameters.Has(StoreFaults) ? StoreSlack.Ticks : 0;

    private TimeSpan Timeout => world.Parameters.Options.Readiness.Timeout;

    public void Began(SimRequest request)
    {
        world.History.Note(request.Guard.Process, $"request {request.Number} asks for {request.Key ?? SimIds.Name(request.Actor)}");
        request.MustEndBy = request.Arrival + Timeout.Ticks + Slack;
        _open.Add(request);
        _nextDue = Math.Min(_nextDue, request.MustEndBy);
    }

    public void ClientLeft(SimRequest request)
    {
        world.History.Note(request.Guard.Process, $"the client of request {request.Number} leaves");
        request.LeftAt = Now;
        request.MustEndBy = Math.Min(request.MustEndBy, Now + LeaveSlack.Ticks + MoreWithoutStore);
        _nextDue = Math.Min(_nextDue, request.MustEndBy);
    }

    /// <summary>A delivery has ended, one way or another. What follows may begin after the deadline, and is then over at once.</summary>
    public void CameBack(SimRequest request)
    {
        request.IsForwarded = false;
        request.MustEndBy = Math.Max(request.MustEndBy, Now + Slack);
        _nextDue = Math.Min(_nextDue, request.MustEndBy);
    }

    public void HasEnded(SimRequest request)
    {
        request.HasEnded = true;
        _open.Remove(request);
        Ended++;
        var answer = request.LeftAt != 0 ? "left" : request.ServedIn > 0 ? "served" : request.Error?.FullCode ?? "nothing";
        world.History.Note(
            request.Guard.Process, $"request {request.Number} ends after {TimeSpan.FromTicks(Now - request.Arrival)}: {answer} generation {request.ServedIn}");
        if (request.LeftAt == 0 && request.ServedIn == 0 && Judge(request, request.Error?.FullCode) is { } wrong)
        {
            world.Checks.Fail(
                wrong.Kind,
                $"request {request.Number} at {request.Guard.Process} for {SimIds.Name(request.Actor)} got {answer} after {(Now - request.Arrival) / TimeSpan.TicksPerMillisecond} ms: {wrong.Text}");
        }
    }

    public void CheckOverdue()
    {
        if (Now <= _nextDue)
        {
            return;
        }

        _nextDue = long.MaxValue;
        foreach (var request in _open)
        {
            if (request.IsForwarded || _pausedAt.ContainsKey(request.Guard))
            {
                continue;
            }

            if (Now > request.MustEndBy)
            {
                world.Checks.Fail(
                    ViolationKind.Overdue,
                    $"request {request.Number} at {request.Guard.Process} for {SimIds.Name(request.Actor)} has no end {(Now - request.Arrival) / TimeSpan.TicksPerMillisecond} ms after it came{(request.LeftAt != 0 ? " and its client left" : "")}");
            }

            _nextDue = Math.Min(_nextDue, request.MustEndBy);
        }
    }

    public void StartWentWrong(ActorId actor) => _wentWrongAt[SimIds.NumberOf(actor)] = Now;

    /// <summary>A runner died, was cut off or deleted: starts on it may fail.</summary>
    public void RunnerFailed() => _runnerFailedAt = Now;

    public void Paused(SimGuard guard) => _pausedAt[guard] = Now;

    public void Resumed(SimGuard guard)
    {
        if (!_pausedAt.Remove(guard, out var since))
        {
            return;
        }

        _resumedAt[guard] = Now;
        foreach (var request in _open.Where(r => r.Guard == guard))
        {
            // What it was to do meanwhile is done now.
            request.MustEndBy = Math.Max(request.MustEndBy, Now + Slack);
            _nextDue = Math.Min(_nextDue, request.MustEndBy);
        }
    }

    public void Died(SimGuard guard)
    {
        _open.RemoveAll(r => r.Guard == guard);
        _pausedAt.Remove(guard);
    }

    public TimeSpan LongestOpen() => _open.Count == 0 ? TimeSpan.Zero : TimeSpan.FromTicks(Math.Max(0, _open.Max(r => r.MustEndBy) - Now));

    /// <summary>What is wrong with an answer that is no success; null when there was a reason for it.</summary>
    private (ViolationKind Kind, string Text)? Judge(SimRequest request, string? code)
    {
        var options = world.Parameters.Options;
        var waited = Now - request.Arrival;
        var actor = actors.Find(request.Actor);
        var disturbed = request.Guard.Link.LastFailure >= request.Arrival || WasPaused(request);
        switch (code)
        {
            case "actor.not_found":
            case "actor.destroyed_while_waiting_for_ready":
                return actor is { State: ActorState.Destroyed } ? null : Wrong("it is not destroyed");

            case "guard.service_unavailable":
                return disturbed || request.NotMyActor >= 2 || request.NotReached > 0 ? null : Wrong("the store answered, and so did the runner");

            case "guard.actor_ready_timeout":
            case "actor.no_capacity":
                if (waited < Timeout.Ticks - TimeSpan.TicksPerMillisecond)
                {
                    return Wrong("its deadline had not come");
                }

                return actors.ReadySince(request.Actor) is { } since && Now - since > NoticedWithin.Ticks && request.NotReached == 0
                    && !WasPaused(request) && request.Guard.Link.LastFailure < since
                    ? (ViolationKind.LostWake, $"it was ready for {(Now - since) / TimeSpan.TicksPerMillisecond} ms")
                    : null;

            case "guard.actor_runner_failed":
                var stale = options.FailFast.CacheTtl + options.FailFast.PollInterval + TimeSpan.FromSeconds(5);
                return health.WasRedSince(request.Arrival - stale.Ticks) || WasPaused(request) ? null : Wrong("the pool was not red");

            case "actor.crashed":
            case "actor.runner_no_response":
            case "actor.runner_connection_lost":
            case "guard.actor_wake_retries_exceeded":
                var window = (2 * (options.Runners.StartTimeout + options.Runners.ReadyTimeout)) + options.Runners.LostAfter + Timeout;
                var at = Math.Max(_runnerFailedAt, _wentWrongAt.GetValueOrDefault(SimIds.NumberOf(request.Actor), long.MinValue));
                return disturbed || at >= request.Arrival - window.Ticks
                    ? null
                    : Wrong("no start of it went wrong");

            case "guard.upstream_error":
                return request.Broken > 0 ? null : Wrong("no exchange broke");

            case "guard.hold_limit_reached":
                return Ended + _open.Count >= options.Readiness.MaxHeldPerActor ? null : Wrong("so many were never held");

            default:
                return Wrong("nothing calls for that");
        }

        static (ViolationKind Kind, string Text)? Wrong(string text) => (ViolationKind.WrongAnswer, text);
    }

    private bool WasPaused(SimRequest request) => _resumedAt.TryGetValue(request.Guard, out var at) && at >= request.Arrival;
}
