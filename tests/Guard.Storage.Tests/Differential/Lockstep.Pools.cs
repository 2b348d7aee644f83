using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Differential;

internal sealed partial class Lockstep
{
    private async Task RunOnPoolAsync(HistoryStep step, StepChoices choose)
    {
        var pool = AllPools[step.Subject % AllPools.Count];
        switch (step.Kind)
        {
            case StepKind.PutPool:
                pool = choose.OneIn(5) ? pool : choose.OfList(AllPools.Where(_deleted.Contains).ToArray()) ?? pool;
                _put.Add(pool);
                _deleted.Remove(pool);
                var config = Config(pool, choose);
                await AllAsync($"put {pool}", async side => await side.Pools.PutAsync(pool, config, Ct));
                break;
            case StepKind.DeletePool:
                _deleted.Add(pool);
                await AllAsync($"delete {pool}", async side => await side.Pools.DeleteAsync(pool, Ct));
                break;
            case StepKind.Release:
                var holder = choose.Of(Guards);
                await AllAsync($"release {pool} {holder}", async side => { await side.Upkeep.ReleaseAsync(holder, Ct); return 0; });
                break;
            case StepKind.TellConnect:
                var failure = choose.Of<PoolErrorKind?>(null, PoolErrorKind.ServerlessHttpError, PoolErrorKind.InternalError);
                var wait = TimeSpan.FromMilliseconds(choose.Next(3) * 1500);
                await AllAsync($"tell connect {pool}", async side => { await side.Upkeep.TellConnectAsync(pool, failure, wait, Ct); return 0; });
                break;
            case StepKind.Sweep:
                if (_put.Count > 0)
                {
                    // Nobody sweeps a pool that was never put.
                    pool = _put.Order(Comparer<PoolId>.Create((x, y) => string.CompareOrdinal(x.ToString(), y.ToString()))).ElementAt(step.Subject % _put.Count);
                    var terms = new PoolSweepTerms(
                        pool, new(choose.Of(Guards), _epoch + choose.Of(1, 2, 3)), choose.Of(_options.Runners.LostAfter, _options.Runners.LostAfter, TimeSpan.MaxValue, TimeSpan.FromSeconds(1)));
                    await AllAsync($"sweep {terms}", async side => Comparable(await side.Upkeep.SweepAsync(terms, Ct)));
                }

                break;
            default:
                await EvictAsync(step, choose);
                break;
        }
    }

    /// <summary>Without what the stores tell at different granularity: when something is due, and whether tombstones may be.</summary>
    private static PoolSweep? Comparable(PoolSweep? sweep)
        => sweep is null ? null : sweep with { HasTombstones = false, NextDeadline = null, Silence = null, StartingFor = null };

    /// <summary>Every lease of the history's next part has a higher one.</summary>
    private long _epoch;

    private async Task EvictAsync(HistoryStep step, StepChoices choose)
    {
        if (PickRunner(step, choose, CanEvict) is not { } runner)
        {
            return;
        }

        var ready = _actors.Count(a => a.State == ActorState.Ready && a.Runner!.RunnerId == runner.RunnerId);
        var terms = new EvictionTerms(
            choose.OneIn(15) ? choose.OfList(AllPools)! : runner.Pool, new(choose.Of(Guards), _epoch + choose.Of(1, 2, 3)), runner.RunnerId, TimeSpan.FromSeconds(choose.Of(0, 0, 2)), TimeSpan.FromSeconds(choose.Of(0, 5, 30, 1800)), choose.Next(4));
        if (terms.Most == 0 || terms.Most >= ready)
        {
            await AllAsync($"evict {terms}", async side => await side.Upkeep.EvictAsync(terms, Ct));
            return;
        }

        // Which of them go first is a store's own affair: only how many, and who they are once all go.
        await AllAsync($"evict {terms} of {ready}, then all", async side =>
        {
            var first = await side.Upkeep.EvictAsync(terms, Ct);
            var rest = await side.Upkeep.EvictAsync(terms with { Most = 1000 }, Ct);
            return new[]
            {
                $"{first.Stopping.Count} more {first.HasMore}",
                side.Canonical.Of(Canonical.ById(first.TimedOut)),
                side.Canonical.Of(Canonical.ById(first.Stopping.Concat(rest.Stopping))),
                side.Canonical.Of(new Eviction { TimedOut = rest.TimedOut, HasMore = rest.HasMore }),
            };
        });
    }

    private async Task RunOnRunnerAsync(HistoryStep step, StepChoices choose)
    {
        switch (step.Kind)
        {
            case StepKind.Register:
                var runner = NewRunner(choose);
                await AllAsync($"register {runner}", async side => await side.Runners.RegisterAsync(runner, Ct));
                return;
            case StepKind.Beat:
                var streams = _runners.Where(r => choose.OneIn(5) || r is { Stream: not null, StopTs: 0 }).ToArray();
                var beats = choose.Some(streams, 4).Select(r => new StreamBeat(r.RunnerId, r.Pool, choose.OneIn(5))).Append(new("nobody", Normal, false)).ToArray();
                await AllAsync($"beat {string.Join(' ', beats)}", async side => await side.Runners.BeatAsync(beats, Ct));
                return;
        }

        var used = _actors.Where(a => a.Runner is not null).Select(a => a.Runner!.RunnerId).ToHashSet();
        var id = PickRunner(step, choose, step.Kind == StepKind.DrainRunner ? r => used.Contains(r.RunnerId) : r => r.StopTs == 0)?.RunnerId ?? "nobody";
        switch (step.Kind)
        {
            case StepKind.Heartbeat when choose.OneIn(2):
                foreach (var live in _runners.Where(r => r.StopTs == 0))
                {
                    await AllAsync($"heartbeat {live.RunnerId}", async side => await side.Runners.HeartbeatAsync(live.RunnerId, Ct));
                }

                break;
            case StepKind.Heartbeat:
                await AllAsync($"heartbeat {id}", async side => await side.Runners.HeartbeatAsync(id, Ct));
                break;
            case StepKind.DrainRunner:
                await AllAsync($"drain {id}", async side => await side.Runners.DrainAsync(id, Ct));
                break;
            default:
                await AllAsync($"delete {id}", async side => await side.Runners.DeleteAsync(id, Ct));
                break;
        }
    }

    private async Task RunOnHealthAsync(HistoryStep step, StepChoices choose)
    {
        var pool = step.Kind == StepKind.ReportError || choose.OneIn(3) || _red.Count == 0
            ? AllPools[step.Subject % AllPools.Count]
            : _red[step.Subject % _red.Count];
        switch (step.Kind)
        {
            case StepKind.ReportError:
                var error = choose.Of(
                    new PoolError(PoolErrorKind.ServerlessHttpError, 500 + choose.Next(4), choose.Of("", "b|ä\n", new string('ü', 400))),
                    new PoolError(PoolErrorKind.ServerlessStreamEndedEarly), new PoolError(PoolErrorKind.ServerlessConnectionError, Message: "refused"),
                    new PoolError(PoolErrorKind.ServerlessInvalidSsePayload, Message: "m", RawPayload: choose.Of(null, "raw")), new PoolError(PoolErrorKind.InternalError));
                await AllAsync($"error {pool} {error}", async side => await side.Health.ReportErrorAsync(pool, error, Ct));
                break;
            case StepKind.ReportSuccess:
                await AllAsync($"success {pool}", async side => await side.Health.ReportSuccessAsync(pool, Ct));
                break;
            case StepKind.GrantProbe:
                var interval = TimeSpan.FromSeconds(choose.Of(1, 5));
                await AllAsync($"probe {pool} {interval}", async side =>
                {
                    var grant = await side.Health.TryGrantProbeAsync(pool, interval, Ct);
                    if (grant.IsGranted)
                    {
                        side.Probes.Add(grant.ProbeId);
                    }

                    return grant;
                });
                break;
            case StepKind.OpenProbe:
                await AllAsync($"open probe {pool}", async side => side.Probes.IndexOf(await side.Health.OpenProbeAsync(pool, Ct)));
                break;
            default:
                var (back, success) = (choose.OneIn(4) ? 2 : 1, choose.OneIn(2));
                await AllAsync($"end probe {pool} {back} {success}", async side =>
                {
                    await side.Health.EndProbeAsync(pool, side.Probes.Count < back ? long.MaxValue : side.Probes[^back], success, Ct);
                    return 0;
                });
                break;
        }
    }

    private static PoolConfig Config(PoolId pool, StepChoices choose)
    {
        var isServerless = pool.Equals(Serverless) != choose.OneIn(10);
        return new()
        {
            DrainOnVersionUpgrade = !choose.OneIn(4),
            DrainGracePeriod = choose.Of(30, 1800),
            ActorEvictionRate = choose.Of(1, 100),
            Guard = choose.OneIn(3) ? new() { ReadyTimeoutMs = 5000 } : null,
            Serverless = isServerless
                ? new()
                {
                    Url = choose.Of("https://a.example/api", "https://b.example"),
                    RequestLifespan = 900,
                    MaxRunners = choose.Of(3, 1000),
                    Headers = choose.Of<IReadOnlyDictionary<string, string>>(
                        new Dictionary<string, string>(), new Dictionary<string, string> { ["x-Token"] = "1", ["b"] = "2" },
                        new Dictionary<string, string> { ["B"] = "2", ["X-token"] = "1" }, new Dictionary<string, string> { ["x-token"] = "2\nb: 2" }),
                }
                : null,
        };
    }

    private NewRunner NewRunner(StepChoices choose)
    {
        var pool = PickPool(choose);
        var stream = pool.Equals(Serverless) == !choose.OneIn(8)
            ? new RunnerStream(choose.Of(Guards), choose.Of("", "terms"), TimeSpan.FromMilliseconds(choose.Next(3) * 700), choose.OneIn(8))
            : null;
        return new(
            FormattableString.Invariant($"runner-{++_runnerIds}"), pool, RunnerKey(choose), choose.OneIn(history.IsCrowded ? 40 : 3) ? choose.Of(0, 2, 2, choose.OneIn(6) ? int.MaxValue : 3) : 1,
            Location(choose), choose.Of(0, 1, 1, 2, 2, 3, 3, 20), choose.OneIn(12), stream);
    }

    private static RunnerLocation Location(StepChoices choose)
    {
        var http = new RunnerLocation.Http(
            choose.Of("http://127.0.0.1:9000", "http://127.0.0.1:9001/base"), choose.Of(RunnerProtocol.Http1, RunnerProtocol.H2c), choose.OneIn(6) ? "routing|ü" : null);
        return choose.OneIn(12) ? new RunnerLocation.Implicit(http) : http;
    }

    /// <summary>One of few, so that runners register again.</summary>
    private string RunnerKey(StepChoices choose) => FormattableString.Invariant($"k|ü {{{choose.Next(history.IsCrowded ? 40 : 4)}}}");

    private RunnerRecord? PickRunner(HistoryStep step, StepChoices choose, Func<RunnerRecord, bool> likely)
    {
        var wanted = choose.OneIn(8) ? [] : _runners.Where(likely).ToArray();
        var among = wanted.Length > 0 ? wanted : _runners;
        return among.Count == 0 ? null : among[step.Subject % among.Count];
    }
}
