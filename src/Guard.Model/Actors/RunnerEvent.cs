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

/// <summary>What events, and the answers to them, are called in JSON and in the labels of metrics.</summary>
internal static class RunnerEventNames
{
    public static string Name(this RunnerEventKind kind) => kind switch
    {
        RunnerEventKind.Ready => "ready",
        RunnerEventKind.Stopped => "stopped",
        RunnerEventKind.Crashed => "crashed",
        RunnerEventKind.Sleep => "sleep",
        _ => "destroy",
    };

    public static string Name(this RunnerEventResult result) => result switch
    {
        RunnerEventResult.Ok => "ok",
        RunnerEventResult.Stale => "stale",
        _ => "unknown",
    };
}
