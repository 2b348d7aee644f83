using System.Reflection;

namespace Guard.Core.Diagnostics;

/// <summary>What is running, from the assembly's informational version (<c>1.2.3+commit</c>).</summary>
internal static class BuildInfo
{
    private static readonly string[] Parts =
        (typeof(BuildInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0").Split('+', 2);

    public static string Version => Parts[0];

    public static string Commit { get; } = Parts.Length > 1 ? Parts[1] : "unknown";
}
