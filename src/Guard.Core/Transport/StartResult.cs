namespace Guard.Core.Transport;

internal enum StartReply
{
    /// <summary>The actor is ready.</summary>
    Ready,

    /// <summary>The runner is starting it and will say <c>ready</c>.</summary>
    Accepted,

    /// <summary>The runner will not start it.</summary>
    Refused,

    /// <summary>Provably nothing of the call reached the runner.</summary>
    NotReached,

    /// <summary>No answer within <c>Runners:StartTimeout</c>, or the connection broke after sending: it may or may not be starting.</summary>
    NoResponse,
}

/// <param name="Detail">For logs and the actor's error: a status or the kind of fault, nothing a runner sent.</param>
internal readonly record struct StartResult(StartReply Reply, string Detail);

internal enum StopReply
{
    /// <summary>The actor has stopped.</summary>
    Stopped,

    /// <summary>The runner is stopping it and will say <c>stopped</c>.</summary>
    Accepted,

    /// <summary>The runner refused, did not answer, or was not reached.</summary>
    Failed,
}
