using BenchmarkDotNet.Running;
using Guard.Benchmarks;

if (args is ["--check-budgets", ..])
{
    return BudgetCheck.Run(args.Length > 1 ? args[1] : BudgetCheck.DefaultFile);
}

BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
