using Guard.Model.Ids;

namespace Guard.Model.Actors;

internal enum RunnerEventKind
{
    Ready,
    Stopped,
    Crashed,
    Sleep,
    Destroy,
}

internal sealed record RunnerEvent(ActorId Actor, long Generation, RunnerEventKind Kind, string? Message);

internal enum RunnerEventResult
{
    Ok,
    Stale,
    Unknown,
}
