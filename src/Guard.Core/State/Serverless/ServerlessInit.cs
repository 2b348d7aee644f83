namespace Guard.Core.State.Serverless;

/// <summary>What a serverless runner said of itself in its first message, checked and completed (docs/contract.md, section 8). Immutable.</summary>
/// <param name="Version">The runner's version.</param>
/// <param name="Endpoint">Its base URL, allowed and normalised; that of the pool's URL where it named none.</param>
/// <param name="TotalSlots">1 to <c>slots_per_runner</c>.</param>
/// <param name="Key">Its own key; null when it named none.</param>
/// <param name="IsRoutedByKey">It named no endpoint: every call carries <c>x-rivet-runner-key</c>, so that the platform can route on it.</param>
internal sealed record ServerlessInit(int Version, string Endpoint, int TotalSlots, string? Key, bool IsRoutedByKey);
