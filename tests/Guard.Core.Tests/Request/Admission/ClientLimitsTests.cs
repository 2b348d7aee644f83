using System.Net;
using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Core.Tests.Request.Admission;

public sealed class ClientLimitsTests : IDisposable
{
    private static readonly IPAddress One = IPAddress.Parse("192.0.2.1");
    private static readonly IPAddress Other = IPAddress.Parse("192.0.2.2");

    private readonly FakeTimeProvider _time = new();
    private readonly GuardOptions _options = new();
    private readonly LiveOptions _live;
    private readonly GuardMetrics _metrics;
    private readonly MemoryPressure _memory;
    private readonly ClientLimits _limits;
    private MemoryUse _use;

    public ClientLimitsTests()
    {
        // Long enough that no token comes back while a test runs.
        _options.Limits.RequestWindow = TimeSpan.FromHours(10);
        _live = new(_options);
        _metrics = new(_live);
        _memory = new(_live, _metrics, () => _use, _time, NullLogger<MemoryPressure>.Instance);
        _limits = new(_live, _metrics, _memory, _time);
    }

    public void Dispose()
    {
        _limits.Dispose();
        _memory.Dispose();
    }

    [Fact]
    public void IsOn_NothingSet_OffForAll()
    {
        Assert.False(_limits.IsOn(isWebSocket: false));
        Assert.False(_limits.IsOn(isWebSocket: true));
        Assert.Null(_limits.CheckMemory());
    }

    [Fact]
    public async Task TryEnter_RateSpent_RefusedWithTheTimeToTheNextAndOnlyThatClient()
    {
        _options.Limits.RequestsPerClient = 3;

        for (var i = 0; i < 3; i++)
        {
            Assert.Null(_limits.TryEnter(One, false, out var place));
            place.Exit();
        }

        var refused = _limits.TryEnter(One, false, out _)!;
        Assert.Equal(("guard.rate_limit", 429), (refused.FullCode, refused.Status));
        Assert.Equal((3, "requests"), (refused.Metadata!.Limit, refused.Metadata.Scope));
        Assert.InRange(refused.RetryAfter!.Value, TimeSpan.FromHours(3), TimeSpan.FromHours(3.5));
        Assert.Null(_limits.TryEnter(Other, false, out _));
        Assert.Equal(1, await RejectedAsync("rate"));
    }

    [Fact]
    public void TryEnter_RefusedForAnotherReason_CostsNoToken()
    {
        (_options.Limits.RequestsPerClient, _options.Limits.ConcurrentPerClient) = (2, 1);

        Assert.Null(_limits.TryEnter(One, false, out var first));
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal("concurrent", _limits.TryEnter(One, false, out _)!.Metadata!.Scope);
        }

        first.Exit();
        Assert.Null(_limits.TryEnter(One, false, out var second));
        second.Exit();
        Assert.Equal("requests", _limits.TryEnter(One, false, out _)!.Metadata!.Scope);
    }

    [Fact]
    public void TryEnter_ConcurrencyReached_APlaceGivenBackIsFreeAtOnce()
    {
        _options.Limits.ConcurrentPerClient = 2;

        Assert.Null(_limits.TryEnter(One, false, out _));
        Assert.Null(_limits.TryEnter(One, false, out var second));
        Assert.Equal(429, _limits.TryEnter(One, false, out _)!.Status);
        second.Exit();
        Assert.Null(_limits.TryEnter(One, false, out _));
    }

    [Fact]
    public async Task TryEnter_WebSocketsOfOneClientAndOfAll_EachLimited()
    {
        (_options.Limits.WebSocketsPerClient, _options.Limits.WebSockets) = (1, 2);

        Assert.Null(_limits.TryEnter(One, true, out var mine));
        Assert.Equal(("guard.rate_limit", "websockets"), Told(_limits.TryEnter(One, true, out _)));

        // The refused one took no place of the Guard's.
        Assert.Null(_limits.TryEnter(Other, true, out _));
        Assert.Equal(("guard.service_unavailable", "websockets"), Told(_limits.TryEnter(IPAddress.Parse("192.0.2.3"), true, out _)));
        mine.Exit();
        Assert.Null(_limits.TryEnter(IPAddress.Parse("192.0.2.3"), true, out _));
        Assert.Equal(2, await RejectedAsync("websockets"));
    }

    [Fact]
    public void TryEnter_ReloadedRate_NewBucket()
    {
        _options.Limits.RequestsPerClient = 1;
        Assert.Null(_limits.TryEnter(One, false, out _));
        Assert.NotNull(_limits.TryEnter(One, false, out _));

        var changed = new GuardOptions { Limits = { RequestsPerClient = 2, RequestWindow = TimeSpan.FromHours(10) } };
        _live.Publish(changed);

        Assert.Null(_limits.TryEnter(One, false, out _));
        Assert.Null(_limits.TryEnter(One, false, out _));
        Assert.NotNull(_limits.TryEnter(One, false, out _));
    }

    [Fact]
    public void Sweep_ClientsThatOweNothing_AreForgotten()
    {
        _options.Limits.ConcurrentPerClient = 5;
        Assert.Null(_limits.TryEnter(One, false, out var open));
        Assert.Null(_limits.TryEnter(Other, false, out var ended));
        ended.Exit();

        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(1, _limits.Count);

        open.Exit();
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(0, _limits.Count);
    }

    [Fact]
    public void Sweep_BucketNotFull_IsKept()
    {
        _options.Limits.RequestsPerClient = 5;
        Assert.Null(_limits.TryEnter(One, false, out var place));
        place.Exit();

        _limits.Sweep();

        Assert.Equal(1, _limits.Count);
    }

    [Fact]
    public void TryEnter_MoreClientsThanAreKept_StillLimitedAndNoMoreMemory()
    {
        _options.Limits.ConcurrentPerClient = 100;
        for (var i = 0; i < ClientLimits.MaxClients + 1000; i++)
        {
            Assert.Null(_limits.TryEnter(new IPAddress(i + 1L), false, out _));
        }

        Assert.Equal(ClientLimits.MaxClients, _limits.Count);
        var late = new IPAddress(0xFFFFFFL);
        Assert.Contains(Enumerable.Range(0, 101), _ => _limits.TryEnter(late, false, out var _) is not null);
    }

    [Fact]
    public async Task TryEnter_ManyThreadsAndSweeps_NeverMoreThanTheLimitAndNothingLeft()
    {
        _options.Limits.ConcurrentPerClient = 3;
        var open = 0;
        var most = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                if (worker == 0 && i % 10 == 0)
                {
                    _limits.Sweep();
                }

                if (_limits.TryEnter(One, false, out var place) is null)
                {
                    var now = Interlocked.Increment(ref open);
                    InterlockedMax(ref most, now);
                    Interlocked.Decrement(ref open);
                    place.Exit();
                }
            }
        })));

        Assert.InRange(most, 1, 3);
        _limits.Sweep();
        Assert.Equal(0, _limits.Count);
    }

    [Theory]
    [InlineData(89, false, false)]
    [InlineData(90, true, false)]
    [InlineData(97, true, true)]
    public void Memory_Short_ShedsHoldsBeforeRequests(int percent, bool holds, bool requests)
    {
        _use = new(percent, 100);

        _memory.Look();

        Assert.Equal((holds, requests), (_memory.ShedsHolds, _memory.ShedsRequests));
        Assert.Equal(requests ? ("guard.service_unavailable", "memory") : ("", null), Told(_limits.CheckMemory()));
        _use = new(10, 100);
        _memory.Look();
        Assert.Null(_limits.CheckMemory());
    }

    [Fact]
    public void Memory_LimitUnknownOrOff_NothingIsShed()
    {
        _use = new(100, 0);
        _memory.Look();
        Assert.False(_memory.ShedsRequests);

        (_options.Limits.ShedHoldsAt, _options.Limits.ShedRequestsAt) = (0, 0);
        _use = new(100, 100);
        _memory.Look();
        Assert.False(_memory.ShedsHolds);
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    [InlineData("::", "0.0.0.0", false)]
    public void ClientKey_Addresses_OneSubscriberIsOne(string left, string right, bool same)
        => Assert.Equal(same, ClientKey.Of(IPAddress.Parse(left)) == ClientKey.Of(IPAddress.Parse(right)));

    private static (string Code, string? Scope) Told(GuardError? error) => (error?.FullCode ?? "", error?.Metadata?.Scope);

    private static void InterlockedMax(ref int target, int value)
    {
        var seen = Volatile.Read(ref target);
        while (value > seen && Interlocked.CompareExchange(ref target, value, seen) is var now && now != seen)
        {
            seen = now;
        }
    }

    private async Task<double> RejectedAsync(string limit)
    {
        using var text = new MemoryStream();
        await _metrics.Registry.CollectAndExportAsTextAsync(text, TestContext.Current.CancellationToken);
        var start = $"guard_limit_rejected_total{{limit=\"{limit}\"}} ";
        var line = System.Text.Encoding.UTF8.GetString(text.ToArray()).Split('\n').SingleOrDefault(l => l.StartsWith(start, StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line[start.Length..], System.Globalization.CultureInfo.InvariantCulture);
    }
}
