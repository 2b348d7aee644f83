namespace Guard.Seed;

/// <summary>The process cannot start, for a reason its operator can mend. The host prints the message, one line, without a stack trace,
/// and ends with an exit code other than 0.</summary>
internal sealed class StartupException(string message, Exception? inner = null) : Exception(message, inner);
