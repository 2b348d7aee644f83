using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.State.Membership;
using Guard.Core.State.Pools;
using Guard.Core.State.Runners;
using Guard.Core.State.Serverless;
using Guard.Core.Tests.Request.Readiness;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Core.Tests.State.Serverless;

/// <summary>A store that fails in an unexpected way under a stream leaves no stream behind.</summary>
public sealed class ServerlessStreamsTests : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly FailingRunners _store = new();
    private readonly ServerlessStreams _streams;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ServerlessStreamsTests()
    {
        var time = new FakeTimeProvider();
        var live = new LiveOptions(new GuardOptions());
        var metrics = new GuardMetrics(live);
        var inbox = new RunnerInbox(_store, null!, new SuspectRunners(time), metrics, new TestLog<RunnerInbox>());
        _streams = new(_store, inbox, new PoolAttention(time), GuardIdentity.New(), live, metrics, time, new TestLog<ServerlessStreams>());
    }

    public static TheoryData<string> Faults => ["rejected", "unreadable", "bug"];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _streams.StopAsync(CancellationToken.None).WaitAsync(Limit);
        _streams.Dispose();
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Adopt_RegistrationFails_StreamIsClosedAndNotHeld(string fault)
    {
        _store.OnRegister = FaultOf(fault);

        await Assert.ThrowsAnyAsync<Exception>(() => AdoptAsync().WaitAsync(Limit, Ct));

        Assert.True(_ended.Task.IsCompleted);
        Assert.False(_streams.Holds("runner"));
        await _streams.DrainAsync(Ct).WaitAsync(Limit, Ct);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task StreamEnds_StoreCannotBeTold_IsNotHeld(string fault)
    {
        _store.OnDelete = FaultOf(fault);
        Assert.Equal(Adoption.Registered, await AdoptAsync());

        _ended.SetResult();

        await ReadinessHarness.UntilAsync(() => !_streams.Holds("runner"), "let go");
        await _streams.DrainAsync(Ct).WaitAsync(Limit, Ct);
    }

    private static Exception FaultOf(string fault) => fault switch
    {
        "rejected" => new StoreException(StoreFailure.Rejected, "WRONGTYPE"),
        "unreadable" => new StoreException(StoreFailure.Unreadable, "garbled"),
        _ => new InvalidOperationException("bug"),
    };

    private Task<Adoption> AdoptAsync() => _streams.AdoptAsync(
        "runner", new PoolId("ns", "fn"), "terms", 0, new ServerlessStream(new(1, "http://fn.test", 1, null, true), _ended.Task, () => _ended.TrySetResult()));

    private sealed class FailingRunners : IRunnerStore
    {
        public Exception? OnRegister { get; set; }

        public Exception? OnDelete { get; set; }

        public ValueTask<RunnerRegistration?> RegisterAsync(NewRunner runner, CancellationToken cancellationToken)
            => OnRegister is { } fault
                ? throw fault
                : new(new RunnerRegistration(new() { Address = new(runner.RunnerId, runner.Location), Pool = runner.Pool, Key = runner.Key }, []));

        public ValueTask<bool> DeleteAsync(string runnerId, CancellationToken cancellationToken) => OnDelete is { } fault ? throw fault : new(true);

        public ValueTask<bool> DrainAsync(string runnerId, CancellationToken cancellationToken) => new(true);

        public ValueTask<HeartbeatResult?> HeartbeatAsync(string runnerId, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<IReadOnlyList<StreamState>> BeatAsync(IReadOnlyList<StreamBeat> beats, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<RunnerRecord?> GetAsync(string runnerId, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<Page<RunnerRecord>> ListAsync(RunnerQuery query, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<RunnerActors?> GetActorsAsync(string runnerId, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
