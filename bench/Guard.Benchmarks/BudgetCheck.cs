using System.Globalization;
using System.Text.Json;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace Guard.Benchmarks;

/// <summary>
/// Runs the benchmarks that bench/budgets.json names and compares what they allocate. Bytes are exact and the same on every machine, so
/// a short run in this process is enough; times are neither measured well here nor judged.
/// </summary>
internal static class BudgetCheck
{
    /// <summary>Found from the repository's root or from any folder below it.</summary>
    public const string DefaultFile = "bench/budgets.json";

    private static readonly JsonSerializerOptions FileFormat = new() { ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>0 when every budget holds, 1 when one does not or its benchmark did not run, 2 when the file cannot be used.</summary>
    public static int Run(string file)
    {
        if (Find(file) is not { } path)
        {
            Console.Error.WriteLine($"budgets: '{file}' not found");
            return 2;
        }

        var budgets = JsonSerializer.Deserialize<Dictionary<string, long>>(
            File.ReadAllText(path), FileFormat)!;
        var measured = Measure(budgets.Keys);
        var failures = 0;
        foreach (var (name, budget) in budgets)
        {
            // A name without parameters is the budget of each of its cases.
            var cases = measured.Where(m => Names(name, m.Name)).ToArray();
            if (cases.Length == 0)
            {
                failures++;
                Console.WriteLine($"FAILED {name}: did not run");
            }

            foreach (var (caseName, bytes) in cases)
            {
                var holds = bytes is { } b && b <= budget;
                failures += holds ? 0 : 1;
                Console.WriteLine($"{(holds ? "ok    " : "FAILED")} {caseName}: {bytes?.ToString(CultureInfo.InvariantCulture) ?? "no"} B of {budget} B");
            }
        }

        Console.WriteLine(failures == 0 ? $"all {budgets.Count} budgets hold" : $"{failures} over budget or not run");
        return failures == 0 ? 0 : 1;
    }

    private static List<(string Name, long? Bytes)> Measure(IReadOnlyCollection<string> names)
    {
        var config = ManualConfig.CreateEmpty()
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddLogger(NullLogger.Instance)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .WithOptions(ConfigOptions.JoinSummary | ConfigOptions.DisableLogFile)
            .AddFilter(new BudgetedOnly(names))
            // Enough calls to be past tiered compilation, where the compiler has moved to the stack what it can.
            .AddJob(Job.Default
                .WithToolchain(new InProcessEmitToolchain(TimeSpan.FromMinutes(30), logOutput: false))
                .WithIterationTime(TimeInterval.FromMilliseconds(50))
                // What a step allocates does not depend on what is garbage elsewhere, and collecting beside a million routes takes seconds each time.
                .WithGcForce(false)
                .WithWarmupCount(12)
                .WithIterationCount(3));
        return [.. BenchmarkSwitcher.FromAssembly(typeof(BudgetCheck).Assembly)
            .RunAllJoined(config)
            .Reports
            .Select(r => (NameOf(r.BenchmarkCase), r.Success ? r.GcStats.GetBytesAllocatedPerOperation(r.BenchmarkCase) : null))];
    }

    /// <summary><c>Guard.Benchmarks.TargetParserBenchmarks.Parse(Form: "direct")</c>.</summary>
    private static string NameOf(BenchmarkCase benchmark) => FullNameProvider.GetBenchmarkName(benchmark);

    private static bool Names(string budget, string benchmark) => budget == benchmark || budget == benchmark.Split('(')[0];

    private static string? Find(string file)
    {
        for (var folder = new DirectoryInfo(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, file);
            if (File.Exists(path))
            {
                return path;
            }
        }

        return null;
    }

    private sealed class BudgetedOnly(IReadOnlyCollection<string> names) : IFilter
    {
        public bool Predicate(BenchmarkCase benchmarkCase) => names.Any(n => Names(n, NameOf(benchmarkCase)));
    }
}
