using System.Runtime.CompilerServices;

namespace Guard.Simulation;

/// <summary>A command that runs seeds; with any other arguments the test runner, as test projects have it.</summary>
internal static class Program
{
    public static int Main(string[] args)
        => args.Any(a => a is "--seeds" or "--seed" or "--hash") ? SeedCommand.Run(args) : RunTests(args);

    // Apart, so that the command loads nothing of the test runner.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int RunTests(string[] args) => Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args).GetAwaiter().GetResult();
}
