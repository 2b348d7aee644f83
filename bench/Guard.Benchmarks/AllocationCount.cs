using System.Reflection;
using BenchmarkDotNet.Running;

namespace Guard.Benchmarks;

/// <summary>
/// The bytes that one call of a benchmark allocates, by the counter of the calling thread: what a timer or another thread allocates at the same
/// time, and how busy the machine is, does not count.
/// </summary>
internal static class AllocationCount
{
    /// <summary>How long the compiler may take, on a busy machine, until it has moved to the stack what it can.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan RoundTime = TimeSpan.FromMilliseconds(20);

    /// <summary>Rounds in a row that must keep the budget: one alone could fall between two allocations of a step that makes them now and then.</summary>
    private const int Confirmations = 3;

    /// <summary>
    /// Runs rounds until three in a row allocate at most <paramref name="budget"/> bytes a call, or until no more patience is left; then the fewest
    /// bytes a round has come to, rounded up.
    /// </summary>
    /// <exception cref="InvalidOperationException">The benchmark went on after it returned, where nothing can be counted.</exception>
    public static long Measure(BenchmarkCase benchmark, long budget)
    {
        var descriptor = benchmark.Descriptor;
        var instance = Activator.CreateInstance(descriptor.Type)!;
        foreach (var parameter in benchmark.Parameters.Items)
        {
            descriptor.Type.GetProperty(parameter.Name)!.SetValue(instance, parameter.Value);
        }

        Invoke(descriptor.GlobalSetupMethod, instance);
        try
        {
            return Measure(RoundOf(descriptor.WorkloadMethod, instance), descriptor.OperationsPerInvoke, budget);
        }
        finally
        {
            Invoke(descriptor.GlobalCleanupMethod, instance);
        }
    }

    private static long Measure(Action<int> round, int operations, long budget)
    {
        var started = TimeProvider.System.GetTimestamp();
        var calls = CallsPerRound(round);
        var fewest = long.MaxValue;
        var kept = 0;
        do
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            round(calls);
            var bytes = GC.GetAllocatedBytesForCurrentThread() - before;
            var perCall = (bytes + ((long)calls * operations) - 1) / ((long)calls * operations);
            fewest = Math.Min(fewest, perCall);
            kept = perCall <= budget ? kept + 1 : 0;
        }
        while (kept < Confirmations && TimeProvider.System.GetElapsedTime(started) < Patience);

        // A budget kept by single rounds only is not kept.
        return kept < Confirmations ? Math.Max(fewest, budget + 1) : fewest;
    }

    private static int CallsPerRound(Action<int> round)
    {
        for (var calls = 1; ; calls *= 2)
        {
            var since = TimeProvider.System.GetTimestamp();
            round(calls);
            if (TimeProvider.System.GetElapsedTime(since) >= RoundTime)
            {
                return calls;
            }
        }
    }

    private static Action<int> RoundOf(MethodInfo method, object instance)
    {
        if (method.ReturnType == typeof(void))
        {
            var act = method.CreateDelegate<Action>(instance);
            return calls =>
            {
                for (var i = 0; i < calls; i++)
                {
                    act();
                }
            };
        }

        return (Action<int>)typeof(AllocationCount).GetMethod(nameof(RoundOfResults), BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(method.ReturnType).Invoke(null, [method, instance])!;
    }

    private static Action<int> RoundOfResults<T>(MethodInfo method, object instance)
    {
        var ask = method.CreateDelegate<Func<T>>(instance);
        return calls =>
        {
            for (var i = 0; i < calls; i++)
            {
                if (ask() is Task { IsCompletedSuccessfully: false })
                {
                    throw new InvalidOperationException($"{method.Name} did not finish in its call");
                }
            }
        };
    }

    private static void Invoke(MethodInfo? method, object instance)
    {
        if (method?.Invoke(instance, null) is Task task)
        {
            task.GetAwaiter().GetResult();
        }
    }
}
