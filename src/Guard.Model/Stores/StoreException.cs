namespace Guard.Model.Stores;

/// <summary>In which way the store failed.</summary>
internal enum StoreFailure
{
    /// <summary>It did not answer within its own deadline, or said that it cannot serve now. Whether the call took effect is unknown.</summary>
    Away,

    /// <summary>It answered, and did not do what it was asked to: a key that holds something else, a command it does not have.</summary>
    Rejected,

    /// <summary>It answered with something that is no record of Guard's. The call has taken effect.</summary>
    Unreadable,
}

/// <summary>The one shape of a store that fails: no port of a store throws anything else for it. Cancellation, and arguments that break a
/// port's own rules, are the caller's and keep their exceptions.</summary>
internal sealed class StoreException(StoreFailure kind, string message, Exception? inner = null) : Exception(message, inner)
{
    public StoreFailure Kind { get; } = kind;
}
