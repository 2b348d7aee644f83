namespace Guard.Core.Net;

/// <summary>The WebSocket subprotocols by which clients name an actor. They are meant for Guard and never reach a runner.</summary>
internal static class RivetSubprotocols
{
    public const string TargetPrefix = "rivet_target.";
    public const string ActorPrefix = "rivet_actor.";
    public const string TokenPrefix = "rivet_token.";
    public const string SkipReadyWait = "rivet_skip_ready_wait";

    public static bool IsForGuard(ReadOnlySpan<char> name)
        => name.StartsWith(TargetPrefix, StringComparison.Ordinal)
            || name.StartsWith(ActorPrefix, StringComparison.Ordinal)
            || name.StartsWith(TokenPrefix, StringComparison.Ordinal)
            || name.SequenceEqual(SkipReadyWait);
}
