using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Guard.Demo;

/// <summary>
/// The actors that are on the demo's runner, one generation each: a newer one replaces an older, never the other way round.
/// Thread-safe.
/// </summary>
internal sealed class EchoActors(TimeProvider time)
{
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, EchoActor> _actors = new(StringComparer.Ordinal);

    public ICollection<EchoActor> All => _actors.Values;

    /// <summary>The actor, when it is here in exactly that generation.</summary>
    public bool TryGet(string id, string generation, [NotNullWhen(true)] out EchoActor? actor)
        => _actors.TryGetValue(id, out actor)
            && long.TryParse(generation, out var asked)
            && asked == actor.Generation;

    /// <summary>Puts a generation in; false when a newer one is here.</summary>
    public async Task<bool> StartAsync(StartRequest start)
    {
        while (true)
        {
            var other = _actors.GetOrAdd(start.ActorId, static (_, arg) => new EchoActor(arg.start, arg.time), (start, time));
            // The same generation: put in just now, or by an earlier call that is repeated.
            if (other.Generation >= start.Generation)
            {
                return other.Generation == start.Generation;
            }

            // An older one gives way; then the turn comes again.
            await StopAsync(other);
        }
    }

    /// <summary>Takes out that generation or an older one and waits until it has ended; does nothing when a newer one is here.</summary>
    public async Task StopAsync(string id, long generation)
    {
        if (_actors.TryGetValue(id, out var actor) && actor.Generation <= generation)
        {
            await StopAsync(actor);
        }
    }

    /// <summary>Takes this one out, so that requests for it are answered 421, and waits until it has ended. False when another
    /// caller has.</summary>
    public async Task<bool> StopAsync(EchoActor actor)
    {
        if (!_actors.TryRemove(KeyValuePair.Create(actor.Id, actor)))
        {
            return false;
        }

        await EndAsync(actor);
        return true;
    }

    private static async Task EndAsync(EchoActor actor)
    {
        await actor.StopAsync(StopGrace);
        actor.Dispose();
    }
}
