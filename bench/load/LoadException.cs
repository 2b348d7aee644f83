namespace Guard.Load;

/// <summary>Why a command cannot go on, in one line for the user.</summary>
internal sealed class LoadException(string message) : Exception(message);
