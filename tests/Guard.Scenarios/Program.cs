using System.Runtime.CompilerServices;
using Guard.Scenarios.Lifecycle;

namespace Guard.Scenarios;

/// <summary>A runner that scenarios kill; with any other arguments the test runner, as test projects have it.</summary>
internal static class Program
{
    public static Task<int> Main(string[] args) => args is [JournalingRunner.Command, ..] ? JournalingRunner.RunAsync(args) : RunTests(args);

    // Apart, so that the runner loads nothing of the test runner.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Task<int> RunTests(string[] args) => Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
}
