using Guard.Model.Actors;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Differential;

internal sealed partial class Lockstep
{
    private static readonly string?[] Keys = [null, "/", "k", "k/ü|{x}", "\\0"];
    private static readonly string[] Names = ["lobby", "room"];

    private async Task CreateAsync(HistoryStep step, StepChoices choose)
    {
        if (step.Kind == StepKind.Create)
        {
            var actor = NewActor(choose, isIdTaken: choose.OneIn(10));
            await AllAsync($"create {actor}", async side => await side.Actors.CreateAsync(actor, Ct));
            return;
        }

        var batch = new List<ImportedActor>();
        for (var left = 1 + choose.Next(5); left > 0; left--)
        {
            var isIdTaken = choose.OneIn(4);
            var imported = new ImportedActor(NewActor(choose, isIdTaken), isIdTaken || choose.OneIn(2));
            if (choose.OneIn(6) && batch.Count > 0 && batch[^1].HasOwnId)
            {
                imported = batch[^1];
            }

            batch.Add(imported.Actor.Key is null && !imported.HasOwnId ? imported with { HasOwnId = true } : imported);
        }

        await AllAsync($"import {string.Join("; ", batch)}", async side => await side.Import.ImportAsync(batch, Ct));
    }

    private NewActor NewActor(StepChoices choose, bool isIdTaken)
    {
        var id = isIdTaken && _actors.Count > 0 ? choose.OfList(_actors)!.Id : NextId();
        var actor = new NewActor(
            id, PickPool(choose), choose.Of(Names), choose.Of(Keys), choose.Of(CrashPolicy.Sleep, CrashPolicy.Restart, CrashPolicy.Restart, CrashPolicy.Destroy),
            choose.Of<byte[]?>(null, [], [0, 255, 10]));
        return choose.OneIn(6) ? actor with { Generation = choose.Next(5), CreateTs = Start - choose.Next(1000) } : actor;
    }

    private async Task BeginAsync(HistoryStep step, StepChoices choose)
    {
        Func<ActorRecord, bool> likely = step.Kind == StepKind.TakeOver
            ? a => a.State == ActorState.Starting
            : choose.OneIn(4) ? a => ActorLifecycle.IsAtRest(a.State) : CanStart;
        if (PickActor(step, choose, likely) is not { } actor)
        {
            return;
        }

        var pool = choose.OneIn(20) ? choose.OfList(AllPools)! : actor.Pool;
        var exclude = choose.OneIn(4) ? choose.Some(_runners.Select(r => r.RunnerId).ToArray(), 2).ToList() : [];
        if (choose.OneIn(4) && actor.Runner is { } tried)
        {
            exclude.Add(tried.RunnerId);
        }

        long? takeOver = step.Kind == StepKind.TakeOver ? actor.Generation + (choose.OneIn(6) ? choose.Of(-1, 1) : 0) : null;
        var request = new StartRequest(actor.Id, pool, choose.Of(Guards), exclude, takeOver, choose.OneIn(3));

        // One side draws a runner; the others may use no other of those it could have drawn.
        var leader = choose.Next(sides.Count);
        var grant = await sides[leader].Actors.TryBeginStartAsync(request, Ct);
        var forced = request;
        if (grant.Status == StartGrantStatus.Granted)
        {
            var drawn = Drawn(request, grant.Replaced);
            var chosen = drawn.FirstOrDefault(d => d.Id == grant.Runner!.RunnerId);
            if (chosen.Id is null || (drawn.Count > 1 && drawn.All(d => d.Id == chosen.Id || d.Left > chosen.Left)))
            {
                throw new StoreDifferenceException(
                    $"{sides[leader].Name} chose {grant.Runner!.RunnerId}; it could choose the emptier of two of {string.Join(", ", drawn)}");
            }

            forced = request with { Exclude = [.. exclude, .. drawn.Select(d => d.Id).Where(id => id != chosen.Id)] };
        }

        await AllAsync($"begin {request with { Exclude = [] }} without {string.Join(' ', exclude)}", async side => side == sides[leader]
            ? grant
            : await side.Actors.TryBeginStartAsync(forced, Ct));
    }

    /// <summary>The runners a start may be on, with their slots left: eligible ones of the newest version that has room.</summary>
    private List<(string Id, int Left)> Drawn(StartRequest request, ActorRecord? replaced)
    {
        var free = _runners
            .Where(r => r.Pool.Equals(request.Pool) && IsEligible(r) && !request.Exclude.Contains(r.RunnerId))
            .Select(r => (r.Version, r.RunnerId, Left: r.RemainingSlots + (r.RunnerId == replaced?.Runner!.RunnerId ? 1 : 0)))
            .Where(r => r.Left > 0)
            .ToArray();
        return free.Where(r => r.Version == free.Max(f => f.Version)).Select(r => (r.RunnerId, r.Left)).ToList();
    }

    private async Task RunOnActorAsync(HistoryStep step, StepChoices choose)
    {
        if (step.Kind == StepKind.RenewPending)
        {
            var pool = AllPools[step.Subject % AllPools.Count];
            var ids = choose.Some(_actors.Select(a => a.Id).Append(NextId()).ToArray(), 4);
            await AllAsync($"renew pending {pool} {string.Join(' ', ids)}", async side => (await side.Actors.RenewPendingAsync(pool, ids, Ct)).Order().ToArray());
            return;
        }

        Func<ActorRecord, bool> likely = step.Kind switch
        {
            StepKind.CommitReady or StepKind.StartFailed => a => a.State == ActorState.Starting,
            StepKind.Disowned => a => a.State == ActorState.Ready,
            StepKind.Stopped => a => a.State == ActorState.Stopping,
            StepKind.Event => a => a.Runner is not null,
            _ => a => a.State != ActorState.Destroyed,
        };
        if (PickActor(step, choose, likely) is not { } actor)
        {
            return;
        }

        // Mostly the generation and the pool there are, now and then others.
        var generation = actor.Generation + (choose.OneIn(10) ? choose.Of(-1, 1) : 0);
        var of = choose.OneIn(20) ? choose.OfList(AllPools)! : actor.Pool;
        var runner = choose.OneIn(12) ? choose.OfList(_runners)?.RunnerId ?? "nobody" : actor.Runner?.RunnerId ?? "nobody";
        var what = $"{step.Kind} {actor.Id} of {of} generation {generation} at {runner}";
        switch (step.Kind)
        {
            case StepKind.CommitReady:
                await AllAsync(what, async side => await side.Actors.CommitReadyAsync(actor.Id, of, generation, Ct));
                break;
            case StepKind.StartFailed:
                var final = choose.OneIn(2);
                var error = choose.Of(
                    new ActorError(ActorErrorKind.RunnerNoResponse, runner), new ActorError(ActorErrorKind.RunnerConnectionLost, runner),
                    new ActorError(ActorErrorKind.Crashed, Message: Message(choose)), new ActorError(ActorErrorKind.InternalError));
                await AllAsync($"{what} {error} final {final}", async side => await side.Actors.CommitStartFailedAsync(actor.Id, of, generation, error, final, Ct));
                break;
            case StepKind.Disowned:
                await AllAsync(what, async side => await side.Actors.CommitDisownedAsync(actor.Id, of, generation, Ct));
                break;
            case StepKind.Stopped:
                await AllAsync(what, async side => await side.Actors.CommitStoppedAsync(actor.Id, of, generation, Ct));
                break;
            case StepKind.Event:
                var told = new RunnerEvent(actor.Id, generation, choose.Of(Enum.GetValues<RunnerEventKind>()), Message(choose));
                await AllAsync($"{what} {told}", async side => await side.Actors.ApplyEventAsync(runner, told, Ct));
                break;
            default:
                await AllAsync(what, async side => await side.Actors.DestroyAsync(actor.Id, Ct));
                break;
        }
    }

    private static string? Message(StepChoices choose) => choose.Of(null, "", "out of memory", "a|b\n\u0085\ud800ü", new string('ü', 300));

    /// <summary>An actor, mostly one that the step can do something with.</summary>
    private ActorRecord? PickActor(HistoryStep step, StepChoices choose, Func<ActorRecord, bool> likely)
    {
        var wanted = choose.OneIn(10) ? [] : _actors.Where(likely).ToArray();
        var among = wanted.Length > 0 ? wanted : _actors;
        return among.Count == 0 ? null : among[step.Subject % among.Count];
    }

    private async Task ReadAsync(HistoryStep step, StepChoices choose)
    {
        var pool = AllPools[step.Subject % AllPools.Count];
        switch (choose.Next(9))
        {
            case 0:
                var (name, key) = (choose.Of(Names), choose.Of(Keys) ?? "k");
                await AllAsync($"find {name} {key}", async side => await side.Actors.FindAsync(pool.Namespace, name, key, Ct));
                break;
            case 1:
                var id = PickActor(step, choose, static _ => true)?.Id ?? NextId();
                await AllAsync($"get {id}", async side => await side.Actors.GetAsync(id, Ct));
                await AllAsync($"get {id} of {pool}", async side => await side.Actors.GetAsync(id, pool, Ct));
                break;
            case 2:
                var age = TimeSpan.FromSeconds(choose.Of(0, 1, 2, 5));
                await AllAsync($"starting {age}", async side => Canonical.ById(InOrder(side, await side.Actors.ListStartingAsync(pool, age, Ct), a => a.StartTs)));
                break;
            case 3:
                await AllAsync($"stopping {pool}", async side => Canonical.ById(InOrder(side, await side.Upkeep.ListStoppingAsync(pool, Ct), a => a.StopDeadlineTs)));
                break;
            case 4:
                var query = new ActorQuery(
                    pool.Namespace, null, choose.Of(null, Names[0], Names[1]), null, choose.OneIn(2), 1 + choose.Next(4), null);
                query = query.Name is null ? query : query with { Key = choose.Of(Keys) };
                await AllAsync($"list {query}", async side => Canonical.ById(await PagesAsync(
                    async cursor => await side.Actors.ListAsync(query with { Cursor = cursor }, Ct))));
                break;
            case 5:
                var ids = choose.Some(_actors.Select(a => a.Id).Append(NextId()).ToArray(), 6);
                var byId = new ActorQuery(pool.Namespace, ids, choose.Of(null, "lobby"), null, choose.OneIn(2), 1 + choose.Next(3), null);
                await AllAsync($"list {byId}", async side => await PagesAsync(async cursor => await side.Actors.ListAsync(byId with { Cursor = cursor }, Ct)));
                break;
            case 6:
                var runners = new RunnerQuery(pool.Namespace, choose.Of(null, pool.Name), choose.OneIn(2), 1 + choose.Next(3), null);
                await AllAsync($"list {runners}", async side => await PagesAsync(async cursor => await side.Runners.ListAsync(runners with { Cursor = cursor }, Ct)));
                break;
            case 7:
                var pools = new PoolQuery(pool.Namespace, choose.Of(null, pool.Name), 1 + choose.Next(2), null);
                await AllAsync($"list {pools}", async side => await PagesAsync(async cursor => await side.Pools.ListAsync(pools with { Cursor = cursor }, Ct)));
                await AllAsync($"config of {pool}", async side => await side.Pools.GetAsync(pool, Ct));
                break;
            default:
                var runner = choose.OfList(_runners)?.RunnerId ?? "nobody";
                await AllAsync($"get {runner}", async side => await side.Runners.GetAsync(runner, Ct));
                await AllAsync("namespaces", async side => (await side.Pools.ListNamespacesAsync(Ct)).Order(StringComparer.Ordinal));
                await AllAsync("namespace", async side => await side.Pools.NamespaceExistsAsync(pool.Namespace, Ct));
                await AllAsync("pools", async side => (await side.Upkeep.ListPoolsAsync(Ct)).Select(p => p.ToString()).Order(StringComparer.Ordinal));
                break;
        }
    }

    /// <summary>The list, which must be in order.</summary>
    private static IReadOnlyList<ActorRecord> InOrder(StoreSide side, IReadOnlyList<ActorRecord> actors, Func<ActorRecord, long> by)
        => actors.Select(by).SequenceEqual(actors.Select(by).Order())
            ? actors
            : throw new StoreDifferenceException($"a list of {side.Name} is out of order: {string.Join(' ', actors.Select(by))}");

    /// <summary>All pages of a list, one after the other.</summary>
    private static async Task<IReadOnlyList<T>> PagesAsync<T>(Func<string?, Task<Page<T>>> read)
    {
        var items = new List<T>();
        string? cursor = null;
        do
        {
            var page = await read(cursor);
            items.AddRange(page.Items);
            cursor = page.Cursor;
        }
        while (cursor is not null);

        return items;
    }
}
