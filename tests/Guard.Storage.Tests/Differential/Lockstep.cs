using Guard.Core.Options;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Differential;

/// <summary>The stores differ.</summary>
internal sealed class StoreDifferenceException(string message) : Exception(message);

/// <summary>
/// Runs one history on several stores, a step at a time, and compares after each: what the call gave, what the feed told, and every record.
/// Used by one thread at a time.
/// </summary>
/// <remarks>
/// Time stands still between the steps that move it. Jitter is the same for all sides. Where a store may choose (the runner of a start, the
/// actors that stop first) one side, another each time, chooses freely; its choice is checked, and the others are given only that one.
/// </remarks>
internal sealed partial class Lockstep(IReadOnlyList<StoreSide> sides, StepDraw draw, History history)
{
    public static readonly PoolId Normal = new("a", "normal");
    public static readonly PoolId Serverless = new("a", "serverless");
    public static readonly PoolId Elsewhere = new("b", "normal");

    /// <summary>Every pool a history may name; the last is of another namespace.</summary>
    public static readonly IReadOnlyList<PoolId> AllPools = [Normal, Serverless, Elsewhere];

    private static readonly long Start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();
    private static readonly string[] Guards = ["guard-0", "guard-1", "guard-2"];

    private readonly GuardOptions _options = history.Options;
    private readonly Random _ids = new(1);
    private readonly Dictionary<object, int> _bornAt = [];
    private readonly HashSet<PoolId> _put = [];
    private readonly HashSet<PoolId> _deleted = [.. AllPools];
    private IReadOnlyList<ActorRecord> _actors = [];
    private IReadOnlyList<RunnerRecord> _runners = [];
    private IReadOnlyList<PoolId> _red = [];
    private int _step;
    private int _runnerIds;
    private long _now = Start;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>The step at which the stores differ, and how; null when they never do.</summary>
    public async Task<(int Step, string How)?> RunAsync(IReadOnlyList<HistoryStep> steps)
    {
        foreach (var side in sides)
        {
            await side.BeginAsync(_options, _now);
        }

        for (_step = 0; _step < steps.Count; _step++)
        {
            try
            {
                draw.Value = (steps[_step].Choices % 5) switch { 0 => 0, 1 => 1000, _ => steps[_step].Choices % 1001 };
                var choose = new StepChoices(steps[_step].Choices);
                await RunAsync(choose.OneIn(8) ? steps[_step] : steps[_step] with { Kind = Fit(steps[_step].Kind, choose) }, choose);
            }
            catch (StoreDifferenceException e)
            {
                return (_step, e.Message);
            }
        }

        return null;
    }

    private async Task RunAsync(HistoryStep step, StepChoices choose)
    {
        switch (step.Kind)
        {
            case StepKind.Advance:
                await AdvanceAsync(choose);
                return;
            case StepKind.AdvanceFar:
                await AdvanceAsync(TimeSpan.FromMinutes(choose.Of(16, 61, 125)));
                return;
            case StepKind.Read:
                await ReadAsync(step, choose);
                return;
        }

        await (step.Kind switch
        {
            StepKind.PutPool or StepKind.DeletePool or StepKind.Sweep or StepKind.Release or StepKind.Evict or StepKind.TellConnect => RunOnPoolAsync(step, choose),
            StepKind.Register or StepKind.Heartbeat or StepKind.Beat or StepKind.DrainRunner or StepKind.DeleteRunner => RunOnRunnerAsync(step, choose),
            StepKind.ReportError or StepKind.ReportSuccess or StepKind.GrantProbe or StepKind.OpenProbe or StepKind.EndProbe => RunOnHealthAsync(step, choose),
            StepKind.Create or StepKind.Import => CreateAsync(step, choose),
            StepKind.Begin or StepKind.TakeOver => BeginAsync(step, choose),
            _ => RunOnActorAsync(step, choose),
        });
        await CompareRecordsAsync();
        await CompareFeedsAsync(withActors: step.Kind != StepKind.Import);
    }

    /// <summary>The kind itself where there is something it can be done with, else one that leads there.</summary>
    private StepKind Fit(StepKind kind, StepChoices choose) => kind switch
    {
        StepKind.Begin when !_actors.Any(a => ActorLifecycle.IsAtRest(a.State)) => StepKind.Create,
        StepKind.Begin when !_actors.Any(CanStart) && !choose.OneIn(4) => choose.Of(StepKind.Register, StepKind.Heartbeat),
        StepKind.CommitReady or StepKind.StartFailed or StepKind.TakeOver when !_actors.Any(a => a.State == ActorState.Starting) => Fit(StepKind.Begin, choose),
        StepKind.Event or StepKind.Disowned when !_actors.Any(a => a.State == ActorState.Ready) => Fit(StepKind.CommitReady, choose),
        StepKind.Stopped when !_actors.Any(a => a.State == ActorState.Stopping) => Fit(StepKind.Evict, choose),
        StepKind.Evict when !_runners.Any(CanEvict)
            => choose.OneIn(2) && _actors.Any(a => a.State == ActorState.Ready) ? StepKind.DrainRunner : Fit(StepKind.CommitReady, choose),
        StepKind.EndProbe or StepKind.OpenProbe when sides[0].Probes.Count == 0 => Fit(StepKind.GrantProbe, choose),
        StepKind.GrantProbe when !_red.Any() => StepKind.ReportError,
        _ => kind,
    };

    private bool CanStart(ActorRecord actor)
        => ActorLifecycle.IsAtRest(actor.State) && _runners.Any(r => r.Pool.Equals(actor.Pool) && r.RemainingSlots > 0 && IsEligible(r));

    private bool IsEligible(RunnerRecord runner)
        => runner is { StopTs: 0, DrainTs: 0 } && (runner.IsStatic || _now - runner.LastPingTs < _options.Runners.EligibleAfter.TotalMilliseconds);

    private bool CanEvict(RunnerRecord runner)
        => runner.StopTs == 0 && runner.DrainTs != 0 && _actors.Any(a => a.State == ActorState.Ready && a.Runner!.RunnerId == runner.RunnerId);

    private Task AdvanceAsync(StepChoices choose)
    {
        var millisecond = TimeSpan.FromMilliseconds(1);
        return AdvanceAsync(choose.OneIn(3)
            ? choose.Of(
                _options.Runners.EligibleAfter, _options.Runners.EligibleAfter - millisecond, _options.Runners.LostAfter, _options.Runners.LostAfter + millisecond,
                _options.Actors.RestartResetAfter, TimeSpan.FromSeconds(60))
            : choose.Of(
                millisecond, TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(5)));
    }

    /// <summary>Moves the clock; what has been a tombstone for long enough is forgotten then and there, for a store may do so whenever it likes.</summary>
    private async Task AdvanceAsync(TimeSpan time)
    {
        const long TombstoneTtl = 3_600_000;
        _now += (long)time.TotalMilliseconds;
        foreach (var side in sides)
        {
            await side.MoveClockAsync(_now);
        }

        if (!_actors.Any(a => a.DestroyTs != 0 && _now - a.DestroyTs >= TombstoneTtl) && !_runners.Any(r => r.StopTs != 0 && _now - r.StopTs >= TombstoneTtl))
        {
            return;
        }

        // Those that are due this very moment are kept for one more.
        _now++;
        foreach (var side in sides)
        {
            await side.MoveClockAsync(_now);
        }

        _epoch += 10;
        foreach (var pool in _put)
        {
            foreach (var guard in Guards)
            {
                await AllAsync("release", async side => { await side.Upkeep.ReleaseAsync(guard, Ct); return 0; });
            }

            var lease = new UpkeepLease(Guards[0], _epoch);
            await AllAsync("sweep", async side => Comparable(await side.Upkeep.SweepAsync(new(pool, lease, TimeSpan.MaxValue), Ct)));
            await AllAsync("purge", async side =>
            {
                while (await side.Upkeep.PurgeAsync(pool, lease, Ct))
                {
                }

                return 0;
            });
        }

        await CompareRecordsAsync();
        await CompareFeedsAsync(withActors: true);
    }

    /// <summary>Calls all sides and compares what they give, or throw; what each gave, null where it threw.</summary>
    private async Task<T[]> AllAsync<T>(string what, Func<StoreSide, Task<T>> call)
    {
        var answers = await Task.WhenAll(sides.Select(async side =>
        {
            try
            {
                return (Value: await call(side), Error: (string?)null);
            }
            catch (Exception e) when (e is ArgumentException or FormatException or InvalidOperationException or StackExchange.Redis.RedisServerException)
            {
                return (Value: default(T)!, Error: $"{e.GetType().Name}: {e.Message}");
            }
        }));
        var texts = answers.Select((a, i) => a.Error ?? sides[i].Canonical.Of(a.Value)).ToArray();
        Compare(what, texts);
        return Array.ConvertAll(answers, a => a.Value);
    }

    private void Compare(string what, string[] texts)
    {
        for (var i = 1; i < texts.Length; i++)
        {
            if (texts[i] != texts[0])
            {
                var (one, other) = (texts[0].Split('\n'), texts[i].Split('\n'));
                var differ = Enumerable.Range(0, Math.Max(one.Length, other.Length)).Where(l => one.ElementAtOrDefault(l) != other.ElementAtOrDefault(l));
                throw new StoreDifferenceException(string.Join('\n', [what, .. differ.SelectMany(l => new[]
                {
                    $"  {sides[0].Name}: {one.ElementAtOrDefault(l)}", $"  {sides[i].Name}: {other.ElementAtOrDefault(l)}",
                })]));
            }
        }
    }

    private async Task CompareRecordsAsync()
    {
        var found = await Task.WhenAll(sides.Select(ReadRecordsAsync));
        for (var i = 1; i < found.Length; i++)
        {
            var missing = found[0].Lines.Except(found[i].Lines).Select(line => $"  {sides[0].Name}: {line}");
            var extra = found[i].Lines.Except(found[0].Lines).Select(line => $"  {sides[i].Name}: {line}");
            if (!found[0].Lines.SequenceEqual(found[i].Lines))
            {
                throw new StoreDifferenceException(string.Join('\n', ["records", .. missing, .. extra]));
            }
        }

        (_actors, _runners, _red) = (found[0].Actors, found[0].Runners, found[0].Red);
    }

    private async Task<(IReadOnlyList<string> Lines, IReadOnlyList<ActorRecord> Actors, IReadOnlyList<RunnerRecord> Runners, IReadOnlyList<PoolId> Red)> ReadRecordsAsync(
        StoreSide side)
    {
        string[] namespaces = ["a", "b"];
        var actors = namespaces.Select(n => side.Actors.ListAsync(new(n, null, null, null, true, 1000, null), Ct).AsTask()).ToArray();
        var runners = namespaces.Select(n => side.Runners.ListAsync(new(n, null, true, 1000, null), Ct).AsTask()).ToArray();
        var health = side.Health.ReadManyAsync(AllPools, Ct).AsTask();
        var (allActors, allRunners) = ((await Task.WhenAll(actors)).SelectMany(p => p.Items).ToArray(), (await Task.WhenAll(runners)).SelectMany(p => p.Items).ToArray());
        CheckOrder(side, allActors.Select(a => (a.Pool.Namespace, (object)a.Id)));
        CheckOrder(side, allRunners.Select(r => (r.Pool.Namespace, (object)r.RunnerId)));

        // Some each time: what a runner owns, the records of its actors and its slots say too.
        var owned = await Task.WhenAll(allRunners.Select((r, i) => (i + _step) % 4 == 0 ? side.Runners.GetActorsAsync(r.RunnerId, Ct).AsTask() : NotAsked));

        // What was born in one step may stand in any order.
        var sortedActors = allActors.OrderBy(a => _bornAt[a.Id]).ThenBy(a => a.Id).ToArray();
        var lines = sortedActors.Select(a => "actor " + side.Canonical.Of(a))
            .Concat(allRunners.Select((r, i) => $"runner {side.Canonical.Of(r)} owns {side.Canonical.Of(owned[i])}"))
            .Concat((await health).Select(h => "health " + side.Canonical.Of(h)));
        return (lines.ToArray(), sortedActors, allRunners, (await health).Where(h => h.IsRed).Select(h => h.Pool).ToArray());
    }

    private static Task<RunnerActors?> NotAsked => Task.FromResult<RunnerActors?>(null);

    /// <summary>Lists are newest first.</summary>
    private void CheckOrder(StoreSide side, IEnumerable<(string Namespace, object Id)> listed)
    {
        var born = listed.Select(l => (l.Namespace, At: _bornAt.TryGetValue(l.Id, out var at) ? at : _bornAt[l.Id] = _step)).ToArray();
        if (born.Zip(born.Skip(1)).Any(pair => pair.First.Namespace == pair.Second.Namespace && pair.First.At < pair.Second.At))
        {
            throw new StoreDifferenceException($"a list of {side.Name} is not in the order of creation: {string.Join(' ', born)}");
        }
    }

    private async Task CompareFeedsAsync(bool withActors)
    {
        await Task.WhenAll(sides.Select(side => side.SettleAsync().AsTask()));
        Compare("feed", sides.Select(side => string.Join('\n', side.Feed.Take(side.Canonical, withActors))).ToArray());
    }

    /// <summary>A pool, the first more often than the others, and seldom one without a runner-config.</summary>
    private PoolId PickPool(StepChoices choose)
    {
        var pool = choose.Of(Normal, Normal, Normal, Serverless, Serverless, Elsewhere);
        return _deleted.Contains(pool) && !choose.OneIn(4) && choose.OfList(AllPools.Where(p => !_deleted.Contains(p)).ToArray()) is { } configured ? configured : pool;
    }

    /// <summary>The next id: the same for a history each time it runs.</summary>
    private ActorId NextId()
    {
        Span<byte> bytes = stackalloc byte[19];
        _ids.NextBytes(bytes);
        (bytes[0], bytes[17], bytes[18]) = (1, 0, 1);
        var number = new System.Numerics.BigInteger(bytes, isUnsigned: true);
        return ActorId.Parse(string.Create(ActorId.TextLength, number, static (text, left) =>
        {
            foreach (ref var digit in text)
            {
                (left, var value) = System.Numerics.BigInteger.DivRem(left, 36);
                digit = "0123456789abcdefghijklmnopqrstuvwxyz"[(int)value];
            }
        }));
    }
}
