namespace Guard.Load.Proxies;

/// <summary>What Guard sets for its whole process in its runtimeconfig: for those that are compared with it as set up in the same way.</summary>
internal static class Tuning
{
    public static IReadOnlyDictionary<string, string> Jit { get; } = new Dictionary<string, string>
    {
        // Hexadecimal, both.
        ["DOTNET_TC_CallCountingDelayMs"] = "1",
        ["DOTNET_ThreadPool_UnfairSemaphoreSpinLimit"] = "0",
    };
}
