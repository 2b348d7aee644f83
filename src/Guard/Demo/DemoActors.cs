namespace Guard.Demo;

/// <summary>The keys of the demo's actors; each names what its actor shows.</summary>
internal static class DemoActors
{
    /// <summary>The name all of them share.</summary>
    public const string Name = "demo";

    /// <summary>Started before the curl lines are printed, and never put to sleep.</summary>
    public const string Ready = "ready";

    public const string Sleeping = "sleeping";

    /// <summary>Its runner takes three seconds to start it.</summary>
    public const string Slow = "slow";

    /// <summary>Of a pool whose runners Guard asks for when they are needed.</summary>
    public const string Serverless = "serverless";

    /// <summary>Of a pool that is red.</summary>
    public const string Broken = "broken";
}
