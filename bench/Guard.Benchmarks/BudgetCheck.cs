using System.Reflection;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Running;

namespace Guard.Benchmarks;

/// <summary>
/// Compares what the benchmarks that bench/budgets.json names allocate. Bytes are exact and the same on every machine; times are neither
/// measured nor judged.
/// </summary>
internal static class BudgetCheck
{
    /// <summary>Found from the repository's root or from any folder below it.</summary>
    public const string DefaultFile = "bench/budgets.json";

    private static readonly JsonSerializerOptions FileFormat = new() { ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>0 when every budget holds, 1 when one does not or its benchmark does not exist, 2 when the file cannot be used.</summary>
    public static int Run(string file)
    {
        if (Find(file) is not { } path)
        {
            Console.Error.WriteLine($"budgets: '{file}' not found");
            return 2;
        }

        var budgets = JsonSerializer.Deserialize<Dictionary<string, long>>(
            File.ReadAllText(path), FileFormat)!;
        var benchmarks = BenchmarksOfThisAssembly();
        var failures = 0;
        foreach (var (name, budget) in budgets)
        {
            // A name without parameters is the budget of each of its cases.
            var cases = benchmarks.Where(b => Names(name, NameOf(b))).ToArray();
            if (cases.Length == 0)
            {
                failures++;
                Console.WriteLine($"FAILED {name}: there is no such benchmark");
            }

            foreach (var benchmark in cases)
            {
                var bytes = AllocationCount.Measure(benchmark, budget);
                failures += bytes <= budget ? 0 : 1;
                Console.WriteLine($"{(bytes <= budget ? "ok    " : "FAILED")} {NameOf(benchmark)}: {bytes} B of {budget} B");
            }
        }

        Console.WriteLine(failures == 0 ? $"all {budgets.Count} budgets hold" : $"{failures} over budget or not found");
        return failures == 0 ? 0 : 1;
    }

    private static BenchmarkCase[] BenchmarksOfThisAssembly() =>
    [
        .. typeof(BudgetCheck).Assembly.GetTypes()
            .Where(t => t.GetMethods().Any(m => m.IsDefined(typeof(BenchmarkAttribute))))
            .SelectMany(t => BenchmarkConverter.TypeToBenchmarks(t).BenchmarksCases),
    ];

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
}
