namespace Guard.Simulation.Checks;

/// <summary>What a run can find wrong.</summary>
internal enum ViolationKind
{
    /// <summary>Something threw, or logged that it is a bug.</summary>
    Bug,

    /// <summary>Something ran outside the schedule; the run cannot be replayed.</summary>
    Escape,

    /// <summary>An actor's generation or revision in the store fell.</summary>
    WentBack,

    /// <summary>One generation was granted to two starts.</summary>
    GrantedTwice,

    /// <summary>Two runners had the same generation of an actor.</summary>
    TwoActivations,

    /// <summary>A generation became ready that its runner had not been told to start.</summary>
    ReadyWithoutRunner,

    /// <summary>A runner's free slots are not its slots less the actors it has.</summary>
    Slots,

    /// <summary>A Guard's health of a pool fell back to an older version of the same epoch.</summary>
    HealthWentBack,

    /// <summary>A Guard holds a health that the store never had in that version.</summary>
    HealthNotAsStored,

    /// <summary>A probe was granted before its time.</summary>
    ProbeTooEarly,

    /// <summary>A request had no answer by its deadline.</summary>
    Overdue,

    /// <summary>An answer for which there was no reason.</summary>
    WrongAnswer,

    /// <summary>A request was sent again although a runner had run it.</summary>
    RanTwice,

    /// <summary>A request waited on although its actor had long been ready.</summary>
    LostWake,

    /// <summary>Nothing went wrong any more, and an actor that was asked for did not serve.</summary>
    NotConverged,

    /// <summary>An actor was started on a runner that drains.</summary>
    StartedOnDraining,

    /// <summary>An actor that is to be restarted would never be, or was not when it had long been due.</summary>
    NotRestarted,

    /// <summary>At the end something was left: a hold, a wait, a start.</summary>
    Leftover,
}

/// <param name="Kind">What is wrong.</param>
/// <param name="Text">Where and how.</param>
internal sealed record Violation(ViolationKind Kind, string Text)
{
    public override string ToString() => $"{Kind}: {Text}";
}
