using System.Globalization;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Text;

namespace Guard.Core.Transport;

/// <summary>
/// What the request flow needs of an actor, as of one <see cref="Revision"/>. Immutable.
/// </summary>
/// <remarks>
/// There are a million of these: what many have in common they share, and texts that follow from the rest are made when they are asked for.
/// </remarks>
internal sealed class ActorRoute
{
    private static readonly InternTable<PoolId> Pools = new();
    private static readonly InternTable<string> Names = new();
    private static readonly InternTable<RunnerAddress> Runners = new();

    private ActorRoute(ActorRecord actor)
    {
        Id = actor.Id;
        Pool = Pools.Of(actor.Pool);
        Name = Names.Of(actor.Name);
        Key = actor.Key;
        State = actor.State;
        Generation = actor.Generation;
        Revision = actor.Revision;
        Runner = actor.Runner is { } runner ? Runners.Of(runner) : null;
        Error = actor.Error;
    }

    public ActorId Id { get; }

    /// <summary>A new text each time.</summary>
    public string IdText => Id.ToString();

    public PoolId Pool { get; }

    public string Name { get; }

    public string? Key { get; }

    /// <summary>The key as it stands in <c>x-rivet-actor-key</c>, a new text each time where it has to be encoded; null without a key.</summary>
    public string? KeyHeader => Key is null ? null : ActorKey.ToHeaderValue(Key);

    public ActorState State { get; }

    public long Generation { get; }

    public string GenerationText => Generation.ToString(CultureInfo.InvariantCulture);

    /// <summary>Orders routes of the same actor.</summary>
    public long Revision { get; }

    /// <summary>Set while the actor starts, runs or stops.</summary>
    public RunnerAddress? Runner { get; }

    public ActorError? Error { get; }

    /// <summary>Requests may be forwarded to <see cref="Runner"/> now.</summary>
    public bool IsReady => State == ActorState.Ready;

    /// <summary>It has a runner, ready or not: enough for a request that skips the wait.</summary>
    public bool IsAllocated => State is ActorState.Ready or ActorState.Starting;

    /// <summary>Whether a request may go there now.</summary>
    /// <param name="skipReadyWait">A runner is enough, ready or not.</param>
    public bool Serves(bool skipReadyWait) => IsReady || (skipReadyWait && IsAllocated);

    public bool IsDestroyed => State == ActorState.Destroyed;

    public static ActorRoute From(ActorRecord actor) => new(actor);
}
