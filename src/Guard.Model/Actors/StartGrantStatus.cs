namespace Guard.Model.Actors;

internal enum StartGrantStatus
{
    /// <summary>The caller owns the start: the grant has the actor, starting, and its runner.</summary>
    Granted,

    /// <summary>Nothing to do.</summary>
    AlreadyReady,

    /// <summary>Another start is under way; its starter is in the record.</summary>
    StartingElsewhere,

    /// <summary>It is still stopping: wait for the change.</summary>
    Stopping,

    /// <summary>No runner has a slot; the record's <c>PendingAllocationTs</c> is set.</summary>
    NoCapacity,

    Destroyed,
    NotFound,
}
