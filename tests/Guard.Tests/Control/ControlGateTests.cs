using Guard.Model.Runners;
using Guard.Model.Stores;
using Microsoft.Extensions.DependencyInjection;

namespace Guard.Tests.Control;

public sealed class ControlGateTests
{
    [Theory]
    [InlineData("GET", "/")]
    [InlineData("GET", "/nope?x=1")]
    [InlineData("PATCH", "/actors")]
    [InlineData("POST", "/runner-configs")]
    [InlineData("HEAD", "/runners")]
    [InlineData("OPTIONS", "/runners")]
    [InlineData("GET", "/openapi/v2.json")]
    [InlineData("GET", "/openapi/v1.yaml")]
    [InlineData("GET", "/favicon.ico")]
    public async Task Call_Unknown_IsNotFoundInOurForm(string method, string path)
    {
        await using var server = await ControlServer.StartAsync();

        var reply = await server.SendAsync(method, path);

        Assert.Equal((404, "api.not_found"), (reply.Status, reply.Error));
        Assert.NotEmpty(reply.Headers["x-rivet-ray-id"]);
    }

    [Fact]
    public async Task Call_Success_CarriesRayIdAndIsNotStored()
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        var reply = await server.SendAsync("GET", "/runners?namespace=n");

        Assert.Equal(200, reply.Status);
        Assert.NotEmpty(reply.Headers["x-rivet-ray-id"]);
        Assert.Equal("no-store", reply.Headers["cache-control"]);
        Assert.Null(reply.Error);
    }

    [Theory]
    [InlineData("POST", "heartbeat")]
    [InlineData("POST", "drain")]
    [InlineData("GET", "actors")]
    public async Task Call_StoreDown_IsServiceUnavailable(string method, string call)
    {
        await using var server = await ControlServer.StartAsync(
            replace: s => s.AddSingleton<IRunnerStore>(new FailingRunners(() => new StoreException(StoreFailure.Away, "secret: no connection to 10.1.2.3"))));

        var reply = await server.SendAsync(method, $"/runners/r/{call}");

        Assert.Equal((503, "guard.service_unavailable"), (reply.Status, reply.Error));
        Assert.DoesNotContain("secret", reply.Text, StringComparison.Ordinal);
        Assert.Contains(server.Logs.Lines, l => l.StartsWith("Warning ", StringComparison.Ordinal) && l.Contains(reply.Headers["x-rivet-ray-id"], StringComparison.Ordinal));
    }

    [Fact]
    public async Task Call_Bug_IsInternalErrorAndLoggedWithTheRayId()
    {
        await using var server = await ControlServer.StartAsync(
            replace: s => s.AddSingleton<IRunnerStore>(new FailingRunners(() => new InvalidOperationException("secret"))));

        var reply = await server.SendAsync("POST", "/runners/r/heartbeat");

        Assert.Equal((500, "core.internal_error"), (reply.Status, reply.Error));
        Assert.DoesNotContain("secret", reply.Text, StringComparison.Ordinal);
        Assert.Contains(server.Logs.Lines, l => l.StartsWith("Error ", StringComparison.Ordinal) && l.Contains(reply.Headers["x-rivet-ray-id"], StringComparison.Ordinal));
    }

    [Fact]
    public async Task Call_ClientLeaves_IsNoError()
    {
        var runners = new FailingRunners(null);
        await using var server = await ControlServer.StartAsync(replace: s => s.AddSingleton<IRunnerStore>(runners));
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

        var call = server.Client.PostAsync("/runners/r/heartbeat", null, leave.Token);
        await runners.Called.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await runners.Left.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        await server.DisposeAsync();

        Assert.DoesNotContain(server.Logs.Lines, l => l.StartsWith("Error ", StringComparison.Ordinal) || l.StartsWith("Warning ", StringComparison.Ordinal));
    }

    /// <summary>Throws, or waits until its caller leaves.</summary>
    private sealed class FailingRunners(Func<Exception>? failure) : IRunnerStore
    {
        public TaskCompletionSource Called { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Left { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ValueTask<RunnerRegistration?> RegisterAsync(NewRunner runner, CancellationToken cancellationToken) => FailAsync<RunnerRegistration?>(cancellationToken);

        public ValueTask<HeartbeatResult?> HeartbeatAsync(string runnerId, CancellationToken cancellationToken) => FailAsync<HeartbeatResult?>(cancellationToken);

        public ValueTask<IReadOnlyList<StreamState>> BeatAsync(IReadOnlyList<StreamBeat> beats, CancellationToken cancellationToken)
            => FailAsync<IReadOnlyList<StreamState>>(cancellationToken);

        public ValueTask<bool> DrainAsync(string runnerId, CancellationToken cancellationToken) => FailAsync<bool>(cancellationToken);

        public ValueTask<bool> DeleteAsync(string runnerId, CancellationToken cancellationToken) => FailAsync<bool>(cancellationToken);

        public ValueTask<RunnerRecord?> GetAsync(string runnerId, CancellationToken cancellationToken) => FailAsync<RunnerRecord?>(cancellationToken);

        public ValueTask<Page<RunnerRecord>> ListAsync(RunnerQuery query, CancellationToken cancellationToken) => FailAsync<Page<RunnerRecord>>(cancellationToken);

        public ValueTask<RunnerActors?> GetActorsAsync(string runnerId, CancellationToken cancellationToken) => FailAsync<RunnerActors?>(cancellationToken);

        private async ValueTask<T> FailAsync<T>(CancellationToken cancellationToken)
        {
            if (failure is not null)
            {
                throw failure();
            }

            Called.TrySetResult();
            var left = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
            await using (cancellationToken.Register(() => left.TrySetCanceled(cancellationToken)))
            {
                try
                {
                    return await left.Task;
                }
                finally
                {
                    Left.TrySetResult();
                }
            }
        }
    }
}
