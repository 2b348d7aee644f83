using Guard.Core.Options;
using Guard.Core.State.Pools;
using Guard.Core.Tests.Request.Readiness;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Guard.Storage.Memory;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Core.Tests.State.Pools;

/// <summary>A store that fails while a probe is asked for.</summary>
public sealed class ProbeGateTests
{
    private static readonly PoolId Pool = new("ns", "pool");
    private static readonly ActorId Actor = ActorId.New(1);

    private readonly CountingHealthStore _health;
    private readonly ProbeGate _gate;

    public ProbeGateTests()
    {
        var time = new FakeTimeProvider();
        var live = new LiveOptions(new GuardOptions());
        _health = new(new MemoryPoolHealthStore(time, live.StoreRules, static _ => { }));
        _gate = new(_health, new ConnectOutlook(time), live, time);
    }

    [Theory]
    [InlineData(StoreFailure.Away)]
    [InlineData(StoreFailure.Rejected)]
    [InlineData(StoreFailure.Unreadable)]
    public async Task Ask_StoreFails_IsUnknown(object kind)
    {
        _health.NextProbeFault = new StoreException((StoreFailure)kind, "scripted");

        Assert.Null(await _gate.AskAsync(Actor, Pool));
    }

    [Fact]
    public async Task Ask_AfterOneThatBroke_AsksAnew()
    {
        await _health.ReportErrorAsync(Pool, new(PoolErrorKind.InternalError), TestContext.Current.CancellationToken);
        _health.NextProbeFault = new System.Text.Json.JsonException("a kind of error that only newer Guards know");
        await Assert.ThrowsAsync<System.Text.Json.JsonException>(() => _gate.AskAsync(Actor, Pool));

        Assert.True(await _gate.AskAsync(Actor, Pool) is { IsGranted: true });
    }
}
