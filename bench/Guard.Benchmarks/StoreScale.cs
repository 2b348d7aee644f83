using System.Globalization;
using Guard.Load.Moves;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Storage.Redis;
using StackExchange.Redis;

namespace Guard.Benchmarks;

/// <summary>
/// What actors cost in a real Redis: bytes of each, how fast they are made, and how long a route takes that is not cached. Takes an empty
/// Redis (<c>--store-scale 127.0.0.1:6379 [--actors 1000000]</c>) and leaves the actors in it.
/// </summary>
internal static class StoreScale
{
    private const int Workers = 64;
    private const int Lookups = 50_000;

    public static async Task<int> RunAsync(string address, int actors)
    {
        if (!RedisSettings.TryParse(address, out var settings))
        {
            Console.Error.WriteLine($"--store-scale: '{address}' is no Redis configuration");
            return 2;
        }

        await using var info = await ConnectionMultiplexer.ConnectAsync(address + ",allowAdmin=true");
        var server = info.GetServers()[0];
        if (await server.DatabaseSizeAsync() != 0)
        {
            Console.Error.WriteLine($"--store-scale: {address} is not empty");
            return 2;
        }

        var time = TimeProvider.System;
        await using var link = StoreLink.Open(settings);
        var store = link.Actors;
        await link.Pools.PutAsync(new("default", "lobbies"), new PoolConfig(), CancellationToken.None);

        Console.WriteLine("| | actors | bytes each | made per second | look-up p50 | p99 |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var keyed in new[] { true, false })
        {
            var before = await UsedAsync(server);
            var ids = new ActorId[actors];
            var next = -1;
            var began = time.GetTimestamp();
            await Task.WhenAll(Enumerable.Range(0, Workers).Select(async _ =>
            {
                for (var i = Interlocked.Increment(ref next); i < actors; i = Interlocked.Increment(ref next))
                {
                    ids[i] = ActorId.New(1);
                    var key = keyed ? string.Create(CultureInfo.InvariantCulture, $"room-{i}") : null;
                    await store.CreateAsync(new(ids[i], new("default", "lobbies"), "lobby", key, CrashPolicy.Sleep, null), CancellationToken.None);
                }
            }));
            var rate = actors / time.GetElapsedTime(began).TotalSeconds;
            var bytes = (double)(await UsedAsync(server) - before) / actors;
            var random = new Random(1);
            var (p50, p99) = await LookUpAsync(time, () => store.GetAsync(ids[random.Next(actors)], CancellationToken.None));
            Console.WriteLine($"| {(keyed ? "with key, by id" : "without key, by id")} | {actors} | {bytes:0} | {rate:0} | {p50:0} µs | {p99:0} µs |");
            if (keyed)
            {
                (p50, p99) = await LookUpAsync(time, () => store.FindAsync("default", "lobby", $"room-{random.Next(actors)}", CancellationToken.None));
                Console.WriteLine($"| with key, by key | {actors} | {bytes:0} | {rate:0} | {p50:0} µs | {p99:0} µs |");
            }
        }

        return 0;
    }

    /// <summary>One after the other: what one request waits, not what Redis can bear.</summary>
    private static async Task<(double P50, double P99)> LookUpAsync(TimeProvider time, Func<ValueTask<ActorRecord?>> lookUp)
    {
        var took = new double[Lookups];
        for (var i = 0; i < Lookups; i++)
        {
            var since = time.GetTimestamp();
            if (await lookUp() is null)
            {
                throw new InvalidOperationException("an actor that was made is not found");
            }

            took[i] = time.GetElapsedTime(since).TotalMicroseconds;
        }

        Array.Sort(took);
        return (took[Lookups / 2], took[Lookups * 99 / 100]);
    }

    private static async Task<long> UsedAsync(IServer server)
        => long.Parse((await server.InfoAsync("memory")).SelectMany(g => g).Single(p => p.Key == "used_memory").Value, CultureInfo.InvariantCulture);
}
