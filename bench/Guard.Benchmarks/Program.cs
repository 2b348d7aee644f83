using BenchmarkDotNet.Running;
using Guard.Benchmarks;

if (args is ["--check-budgets", ..])
{
    return BudgetCheck.Run(args.Length > 1 ? args[1] : BudgetCheck.DefaultFile);
}

if (args is ["--store-scale", var address, .. var rest])
{
    return await StoreScale.RunAsync(address, rest is ["--actors", var number] && int.TryParse(number, out var actors) && actors > 0 ? actors : 1_000_000);
}

if (args is ["--route-memory", .. var options])
{
    return RouteMemory.Run(options is ["--routes", var count] && int.TryParse(count, out var routes) && routes is > 0 and <= 1_000_000 ? routes : 1_000_000);
}

BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
