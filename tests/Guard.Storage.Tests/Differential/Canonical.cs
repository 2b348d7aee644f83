using System.Collections;
using System.Globalization;
using System.Text.Json;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Differential;

/// <summary>
/// Writes what one store answers so that it can be compared with what another does: every field, with what is drawn at random (ids of
/// starts, epochs) replaced by its place in the order of appearance. One for each store and history.
/// </summary>
internal sealed class Canonical
{
    private readonly Dictionary<string, int> _starts = [];
    private readonly Dictionary<(PoolId, ulong), int> _epochs = [];

    public string Of(object? value) => value switch
    {
        null => "-",
        string text => text,
        ActorRecord actor => (actor with { Input = null, StartId = Start(actor.StartId) }).ToString() + (actor.Input is null ? "" : $" input {Convert.ToHexString(actor.Input)}"),
        PoolHealthSnapshot health => (health with { Epoch = Epoch(health) }).ToString(),
        PoolConfig config => JsonSerializer.Serialize(config),
        PoolEntry entry => $"{entry.Pool} {Of(entry.Config)}",
        StartGrant grant => $"{grant.Status} actor {Of(grant.Actor)} runner {Of(grant.Runner)} replaced {Of(grant.Replaced)} untried {grant.HasUntried}",
        ReadyCommit commit => $"{commit.Result} actor {Of(commit.Actor)}",
        CreateActorResult created => $"{created.Status} {Of(created.Actor)}",
        ImportOutcome outcome => $"{outcome.Status} {outcome.Holder}",
        ProbeGrant grant => $"granted {grant.IsGranted} after {grant.RetryAfter} {Of(grant.Health)}",
        RunnerRegistration registration => $"{Of(registration.Runner)} drained {Of(ById(registration.DrainedByVersion))}",
        Eviction eviction => $"stopping {Of(ById(eviction.Stopping))} timed out {Of(ById(eviction.TimedOut))} more {eviction.HasMore}",
        RunnerActors owned => $"version {owned.ActorsVersion} {Of(owned.Actors.OrderBy(a => a.Id))}",
        PoolSweep sweep => string.Join(
            '\n',
            $"taken {sweep.IsTaken} lost {Of(ById(sweep.Lost))}",
            $"drained {Of(ById(sweep.DrainedByVersion))}",
            $"draining {Of(ById(sweep.Draining))}",
            $"timed out {Of(ById(sweep.TimedOut))}",
            $"due {Of(sweep.DueRestarts.Order())} next {sweep.NextRestart} pending {sweep.Pending} config {Of(sweep.Config)}",
            $"streams {Of(sweep.Streams.OrderBy(s => s.RunnerId, StringComparer.Ordinal))}"),
        IEnumerable many => $"[{string.Join(", ", many.Cast<object?>().Select(Of))}]",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    public static IEnumerable<ActorRecord> ById(IEnumerable<ActorRecord> actors) => actors.OrderBy(a => a.Id);

    public static IEnumerable<RunnerRecord> ById(IEnumerable<RunnerRecord> runners) => runners.OrderBy(r => r.RunnerId, StringComparer.Ordinal);

    private string? Start(string? id)
    {
        if (id is null)
        {
            return null;
        }

        _starts.TryAdd(id, _starts.Count + 1);
        return FormattableString.Invariant($"start {_starts[id]}");
    }

    private ulong Epoch(PoolHealthSnapshot health)
    {
        if (health.Epoch == 0)
        {
            return 0;
        }

        _epochs.TryAdd((health.Pool, health.Epoch), _epochs.Count + 1);
        return (ulong)_epochs[(health.Pool, health.Epoch)];
    }
}
