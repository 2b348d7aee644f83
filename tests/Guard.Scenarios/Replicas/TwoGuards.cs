using System.Net;
using System.Text.RegularExpressions;
using Guard.TestSupport;

namespace Guard.Scenarios.Replicas;

/// <summary>Two real Guards on one real Redis, with a pool <c>default</c>.</summary>
internal sealed partial class TwoGuards : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private TwoGuards(RedisServer redis, GuardProcess a, GuardProcess b)
    {
        Redis = redis;
        A = a;
        B = b;
    }

    public RedisServer Redis { get; }

    public GuardProcess A { get; }

    public GuardProcess B { get; }

    public static async Task<TwoGuards> StartAsync(RedisServer redis, CancellationToken cancellationToken, params (string Key, string Value)[] settings)
    {
        (string, string)[] all = [.. OnRedis(redis.Address), .. settings];
        var guards = await Task.WhenAll(GuardProcess.StartAsync(cancellationToken, all), GuardProcess.StartAsync(cancellationToken, all));
        await guards[0].Control.PutPoolAsync("default", cancellationToken);
        return new(redis, guards[0], guards[1]);
    }

    /// <summary>With more patience than the default second: a Redis that has to wait for a processor is not away.</summary>
    public static (string, string)[] OnRedis(string address) =>
        [("Guard:Store:Provider", "Redis"), ("Guard:Store:Redis:Configuration", address), ("Guard:Store:Redis:CallTimeout", "00:00:20")];

    /// <summary>One request; status and body, or status and error code.</summary>
    public static async Task<string> AskAsync(GuardProcess guard, string actor, CancellationToken cancellationToken, Action? ended = null)
    {
        using var response = await guard.Client.GetAsync(new Uri($"/gateway/{actor}/hello", UriKind.Relative), cancellationToken);
        ended?.Invoke();
        return response.StatusCode == HttpStatusCode.OK
            ? $"200 {await response.Content.ReadAsStringAsync(cancellationToken)}"
            : $"{(int)response.StatusCode} {response.Headers.GetValues("x-rivet-error").Single()}";
    }

    /// <summary>Looks again and again until it holds; throws after two minutes, which no machine is too busy for. How long it took.</summary>
    public static async Task<TimeSpan> UntilAsync(Func<Task<bool>> holds, string what, CancellationToken cancellationToken)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!await holds())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < Patience, $"not {what} within {Patience}");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
        }

        return TimeProvider.System.GetElapsedTime(since);
    }

    public static Task UntilHeldAsync(GuardProcess guard, int count, CancellationToken cancellationToken)
        => UntilAsync(async () => await guard.MetricAsync("guard_held_requests", cancellationToken) == count, $"{count} held", cancellationToken);

    /// <summary>Commands Redis has run since it started, those of scripts included.</summary>
    public async Task<long> CommandsAsync()
        => Calls().Matches(await Redis.AskAsync("INFO", "commandstats")).Sum(m => long.Parse(m.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture));

    public async ValueTask DisposeAsync()
    {
        await A.DisposeAsync();
        await B.DisposeAsync();
        await Redis.DisposeAsync();
    }

    [GeneratedRegex(@":calls=(\d+)")]
    private static partial Regex Calls();
}
