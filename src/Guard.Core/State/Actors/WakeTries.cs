using Guard.Core.Async;
using Guard.Model.Actors;

namespace Guard.Core.State.Actors;

/// <summary>What a wake has tried so far, until the actor is ready. Used by one task.</summary>
internal sealed class WakeTries
{
    // Runners that had their one try: they answered no, or not at all.
    private readonly HashSet<string> _runners = [];
    private int _stopsWaitedFor;

    public IReadOnlyCollection<string> Runners => _runners;

    /// <summary>What the first runner that was tried answered; null when none was.</summary>
    public ActorError? FirstFailure { get; private set; }

    public ActorError? LastFailure { get; private set; }

    /// <summary>The starting generation that the wake may replace: its own that failed, or an abandoned one.</summary>
    public ActorRecord? Failed { get; private set; }

    /// <summary><see cref="Failed"/> has no Guard that drives it any more, and its runner has not been told to stop it.</summary>
    public bool IsAbandoned { get; private set; }

    /// <summary>How often the actor has stopped by itself before it was ready.</summary>
    public int Stops { get; private set; }

    /// <summary>The runner has had its try, or, when <paramref name="mayAgain"/>, could not be reached.</summary>
    public void Fail(ActorRecord started, ActorError error, bool mayAgain)
    {
        Failed = started with { Error = error };
        if (!mayAgain)
        {
            _runners.Add(started.Runner!.RunnerId);
            FirstFailure ??= error;
            LastFailure = error;
        }
    }

    public void TakeOver(ActorRecord starting) => (Failed, IsAbandoned) = (starting with { Error = new(ActorErrorKind.InternalError) }, true);

    /// <summary>There is nothing left to replace.</summary>
    public void Replaced() => (Failed, IsAbandoned) = (null, false);

    public void Stopped() => Stops++;

    /// <summary>How long to wait before the start after a stop; null for no wait. Asked once for each stop.</summary>
    public TimeSpan? BackOff(WakeServices services)
    {
        if (Stops == _stopsWaitedFor)
        {
            return null;
        }

        _stopsWaitedFor = Stops;
        return RetryBackoff.Next(Stops - 1, services.Options.Current.Retry, TimeSpan.MaxValue, services.Random);
    }

    public void Clear()
    {
        _runners.Clear();
        (FirstFailure, LastFailure) = (null, null);
        (Stops, _stopsWaitedFor) = (0, 0);
        Replaced();
    }
}
