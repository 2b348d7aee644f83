using System.Threading.Channels;
using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Storage.Memory;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Storage.Tests.Memory;

public sealed class MemoryPoolHealthStoreTests : PoolHealthStoreContract
{
    private static readonly PoolError Error = new(PoolErrorKind.InternalError);
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Publish_CalledBack_IsOutsideTheLock()
    {
        // A publisher that waits for another thread to use the store would never return if the lock were held.
        MemoryPoolHealthStore? store = null;
        var pool = new PoolId("ns", "p");
        store = new MemoryPoolHealthStore(
            _time,
            new LiveOptions(new GuardOptions()).StoreRules,
            _ => Assert.True(Task.Run(async () => await store!.ReadAsync(pool, Cancelled), Cancelled).Wait(TimeSpan.FromSeconds(10), Cancelled)));

        await store.ReportErrorAsync(pool, Error, Cancelled);
    }

    [Fact]
    public async Task Records_IdleAndGreen_AreForgottenAndComeBackWithANewEpoch()
    {
        var (store, changes) = Create(new LiveOptions(new GuardOptions()));
        var idle = await store.ReportSuccessAsync(new PoolId("ns", "idle"), Cancelled);
        var red = await store.ReportErrorAsync(new PoolId("ns", "red"), Error, Cancelled);
        _time.Advance(TimeSpan.FromMinutes(14));
        var renewed = await store.ReportErrorAsync(new PoolId("ns", "renewed"), Error, Cancelled);
        _time.Advance(TimeSpan.FromMinutes(46));
        var busy = await store.ReportSuccessAsync(new PoolId("ns", "busy"), Cancelled);
        for (var i = 0; i < 2000; i++)
        {
            await store.ReportSuccessAsync(new PoolId("ns", $"p{i}"), Cancelled);
        }

        Assert.Equal(0UL, (await store.ReadAsync(idle.Pool, Cancelled)).Epoch);
        Assert.Equal(busy, await store.ReadAsync(busy.Pool, Cancelled));
        var again = await store.ReportSuccessAsync(idle.Pool, Cancelled);
        Assert.NotEqual(idle.Epoch, again.Epoch);
        Assert.Equal(1, again.Seq);

        // Expired by the sweep, told to whoever held them as red, and kept for now.
        Assert.Equal((red.Epoch, 2, false), Versions(await store.ReadAsync(red.Pool, Cancelled)));
        Assert.Equal((renewed.Epoch, 2, false), Versions(await store.ReadAsync(renewed.Pool, Cancelled)));
        List<PoolHealthSnapshot> told = [];
        while (changes.TryRead(out var change))
        {
            told.Add(change);
        }

        Assert.Equal([(red.Pool, true), (renewed.Pool, true), (red.Pool, false), (renewed.Pool, false)], told.Select(h => (h.Pool, h.IsRed)));
    }

    private protected override StoreUnderTest Create(LiveOptions options)
    {
        var changes = Channel.CreateUnbounded<PoolHealthSnapshot>();
        return new(new MemoryPoolHealthStore(_time, options.StoreRules, change => changes.Writer.TryWrite(change)), changes.Reader);
    }

    private protected override Task AdvanceAsync(TimeSpan time)
    {
        _time.Advance(time);
        return Task.CompletedTask;
    }

    private static (ulong Epoch, long Seq, bool IsRed) Versions(PoolHealthSnapshot health) => (health.Epoch, health.Seq, health.IsRed);
}
