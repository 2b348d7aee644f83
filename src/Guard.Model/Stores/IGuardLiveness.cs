namespace Guard.Model.Stores;

/// <summary>
/// Which Guards of a store live: one key per Guard, that vanishes by itself. Thread-safe, and throwing as <see cref="IActorStore"/>.
/// </summary>
internal interface IGuardLiveness
{
    /// <summary>Says that a Guard lives, for another <see cref="Ttl"/>.</summary>
    ValueTask RenewAsync(string guardId, CancellationToken cancellationToken);

    /// <summary>Says that a Guard has ended: what it was starting may be taken over at once.</summary>
    ValueTask EndAsync(string guardId, CancellationToken cancellationToken);

    /// <summary>Whether a Guard has renewed within <see cref="Ttl"/>.</summary>
    ValueTask<bool> IsAliveAsync(string guardId, CancellationToken cancellationToken);

    /// <summary>How long a Guard counts as alive after it last said so. Short enough that a start whose Guard was killed is replaced
    /// within 5 s, long enough to outlive two lost renewals.</summary>
    static readonly TimeSpan Ttl = TimeSpan.FromSeconds(3);

    /// <summary>How often a Guard says so.</summary>
    static readonly TimeSpan RenewInterval = TimeSpan.FromSeconds(1);
}
