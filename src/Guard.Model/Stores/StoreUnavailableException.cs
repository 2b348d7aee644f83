namespace Guard.Model.Stores;

/// <summary>The store could not be reached within its own deadline. Whether the call took effect is unknown.</summary>
internal sealed class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
