using Guard.FailFast;
using Guard.TestSupport;

// Prints the table of docs/fail-fast.md: a real Guard, with its default options, in front of endpoints broken in every way.
//   dotnet run -c Release --project bench/FailFast [-- --only WORDS]
const int Together = 4;

if (args is not ([] or ["--only", _]))
{
    Console.Error.WriteLine("usage: [--only WORDS-OF-A-FAULT]");
    return 2;
}

using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(10), TimeProvider.System);
await using var guard = await GuardProcess.StartAsync(limit.Token);

// The code that is measured has run once before.
await new ServerlessFaultRun(guard, "warm-up", ServerlessFault.All.First(f => f.PoolError is null)).RunAsync(limit.Token);
await new ServerlessFaultRun(guard, "warm-up-2", ServerlessFault.All.First(f => f is { PoolError: not null, IsHang: false })).RunAsync(limit.Token);

var faults = ServerlessFault.All.Where(f => args.Length == 0 || f.Name.Contains(args[1], StringComparison.OrdinalIgnoreCase)).ToArray();
using var room = new SemaphoreSlim(Together);
var outcomes = await Task.WhenAll(faults.Select(async (fault, i) =>
{
    await room.WaitAsync(limit.Token);
    try
    {
        Console.Error.WriteLine($"{i + 1} of {faults.Length}: {fault.Name}");
        return await new ServerlessFaultRun(guard, $"fault-{i}", fault).RunAsync(limit.Token);
    }
    finally
    {
        room.Release();
    }
}));
Console.Write(FaultTable.Format(outcomes, PeerTimings.Load()));
return 0;
