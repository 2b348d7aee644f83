using Guard.Model.Actors;

namespace Guard.Core.State.Actors;

/// <summary>Who waits for the actor of a wake. Both are called by the wake's loop, one call at a time.</summary>
/// <param name="Mark">Taken before the store is read and given back with what was read: it tells whether changes were missed in between.</param>
/// <param name="Tell">Told what the wake learns. Must not throw.</param>
internal sealed record WakeListener(Func<int> Mark, Action<WakeNews> Tell);

internal enum WakeNewsKind
{
    /// <summary>The actor has a runner: it is starting or ready.</summary>
    HasRunner,

    /// <summary>The store does not answer: nothing is known, so nothing ends.</summary>
    StoreAway,

    /// <summary>The wake has ended: the actor is destroyed, or unknown where there is no record.</summary>
    Gone,

    /// <summary>The wake has ended: the start failed for good.</summary>
    Failed,

    /// <summary>The wake has ended: the actor stopped too often before it was ready.</summary>
    RetriesExceeded,
}

/// <param name="Actor">With <see cref="WakeNewsKind.HasRunner"/> and <see cref="WakeNewsKind.Gone"/>.</param>
/// <param name="Error">With <see cref="WakeNewsKind.Failed"/>.</param>
/// <param name="Mark">Of the listener, before the actor was read.</param>
internal readonly record struct WakeNews(WakeNewsKind Kind, ActorRecord? Actor = null, ActorError? Error = null, int Mark = -1);
