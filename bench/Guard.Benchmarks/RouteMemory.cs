using System.Globalization;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Request.Routing;
using Guard.Core.Transport;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Benchmarks;

/// <summary>
/// What cached routes weigh (<c>--route-memory [--routes 1000000]</c>): each read from a store, so with texts of its own, and found by id and
/// by key; and what a look-up takes among so many, of an actor nobody has asked for in a while.
/// </summary>
internal static class RouteMemory
{
    private const int Runners = 1000;
    private const int LookUps = 200_000;
    private const int Rounds = 9;
    private static readonly double NanosecondsPerTick = 1e9 / TimeProvider.System.TimestampFrequency;

    public static int Run(int routes)
    {
        Console.WriteLine("| routes | bytes each | together | by id | by name and key |");
        Console.WriteLine("|---:|---:|---:|---:|---:|");
        foreach (var count in new[] { 1000, routes })
        {
            var before = GC.GetTotalMemory(forceFullCollection: true);
            var (cache, ids) = Fill(count);
            var bytes = GC.GetTotalMemory(forceFullCollection: true) - before - ((long)count * 24);
            var (byId, byKey) = (TimeById(cache, ids), TimeByKey(cache, count));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {count} | {bytes / (double)count:0} B | {bytes / 1048576.0:0.0} MiB | {byId:0} ns | {byKey:0} ns |"));
        }

        return 0;
    }

    private static (RouteCache Cache, ActorId[] Ids) Fill(int count)
    {
        var live = new LiveOptions(new GuardOptions());
        var cache = new RouteCache(live, new GuardMetrics(live), new StoreContact(), TimeProvider.System);
        var ids = new ActorId[count];
        var runnerIds = Enumerable.Range(0, Runners).Select(_ => ActorId.New(1).ToString()).ToArray();
        for (var i = 0; i < count; i++)
        {
            ids[i] = ActorId.New(1);
            cache.Put(NameKeys.Create("default", "counter", KeyOf(i)), ActorRoute.From(Read(ids[i], i, runnerIds[i % Runners])), gaps: 0);
        }

        return (cache, ids);
    }

    /// <summary>As Redis gives it: nothing in it is anybody else's.</summary>
    private static ActorRecord Read(ActorId id, int i, string runnerId) => new()
    {
        Id = id,
        Pool = new(Copy("default"), Copy("pool")),
        Name = Copy("counter"),
        Key = KeyOf(i),
        State = ActorState.Ready,
        Generation = 1,
        Revision = 2,
        Runner = new(Copy(runnerId), new RunnerLocation.Http(string.Create(CultureInfo.InvariantCulture, $"http://10.0.{i % Runners / 250}.{i % Runners % 250}:9000"), RunnerProtocol.Http1)),
    };

    private static string Copy(string text) => new(text.AsSpan());

    private static string KeyOf(int i) => string.Create(CultureInfo.InvariantCulture, $"k{i}");

    /// <summary>Nanoseconds each; the median of the rounds.</summary>
    private static double TimeById(RouteCache cache, ActorId[] ids) => Time(picks =>
    {
        var found = 0;
        foreach (var pick in picks)
        {
            found += cache.Find(ids[pick], TimeProvider.System.GetTimestamp(), out _) is { IsReady: true } ? 1 : 0;
        }

        return found;
    }, ids.Length);

    private static double TimeByKey(RouteCache cache, int count)
    {
        var keys = Enumerable.Range(0, count).Select(KeyOf).ToArray();
        return Time(picks =>
        {
            var found = 0;
            Span<char> buffer = stackalloc char[NameKeys.MaxLength];
            foreach (var pick in picks)
            {
                found += cache.TryFindId(NameKeys.Write("default", "counter", keys[pick], buffer), out var id)
                    && cache.Find(id, TimeProvider.System.GetTimestamp(), out _) is { IsReady: true } ? 1 : 0;
            }

            return found;
        }, count);
    }

    private static double Time(Func<int[], int> lookUps, int count)
    {
        var random = new Random(1);
        var took = new double[Rounds];
        for (var round = -3; round < Rounds; round++)
        {
            var picks = Enumerable.Range(0, LookUps).Select(_ => random.Next(count)).ToArray();
            var since = TimeProvider.System.GetTimestamp();
            if (lookUps(picks) != LookUps)
            {
                throw new InvalidOperationException("a cached route was not found");
            }

            took[Math.Max(0, round)] = (TimeProvider.System.GetTimestamp() - since) * NanosecondsPerTick / LookUps;
        }

        Array.Sort(took);
        return took[Rounds / 2];
    }
}
