using System.Net;
using Guard.TestSupport;
using Guard.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Tests.Tls;

/// <summary>Runners behind TLS that ask for a certificate: who reaches whom, for starts, stops and requests.</summary>
public sealed class RunnerTlsTests : IAsyncLifetime
{
    private readonly TestAuthority _authority = new("runners");
    private readonly TestAuthority _stranger = new("stranger");
    private readonly TemporaryDirectory _files = new();
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync()
    {
        _files.Dispose();
        _authority.Dispose();
        _stranger.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Calls_RunnerThatAsksForACertificate_CarryGuardsWithItsIntermediates()
    {
        using var intermediate = new TestAuthority("intermediate", _authority);
        var client = intermediate.Issue("guard");
        Write(client with { Pem = client.Pem + intermediate.Pem }, _authority);
        await using var runner = await TlsRunner.StartAsync(_authority.Issue("127.0.0.1"), _authority);
        await using var guard = await StartAsync();
        using var control = new ControlApi(guard.Control);
        var actor = await CreateAsync(control, runner);
        using var http = new HttpClient { BaseAddress = guard.Gateway };

        using var reply = await http.GetAsync(new Uri($"/gateway/{actor}/hello", UriKind.Relative), Ct).WaitAsync(TestGuard.Patience, Ct);
        await control.CallAsync(HttpMethod.Delete, $"actors/{actor}?namespace=default", null, Ct).WaitAsync(TestGuard.Patience, Ct);
        await UntilAsync(runner, "stop");

        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.Equal([$"start {client.Thumbprint}", $"/hello {client.Thumbprint}", $"stop {client.Thumbprint}"], runner.Calls);
    }

    [Theory]
    [InlineData(true, "127.0.0.1")]
    [InlineData(false, "127.0.0.2")]
    public async Task Start_RunnerOfAnUnknownAuthorityOrAnotherName_DoesNotReachIt(bool unknown, string name)
    {
        Write(_authority.Issue("guard"), _authority);
        await using var runner = await TlsRunner.StartAsync((unknown ? _stranger : _authority).Issue(name), _authority);
        await using var guard = await StartAsync();
        using var control = new ControlApi(guard.Control);
        var actor = await CreateAsync(control, runner);

        await WithRequestAsync(guard, actor, () => UntilCountedAsync(control, "guard_wakes_total{result=\"not_reached\"}"));

        Assert.Empty(runner.Calls);
    }

    [Fact]
    public async Task Renewal_RequestUnderWay_GoesOnWhileNewOnesCarryTheNewCertificate()
    {
        var (first, second) = (_authority.Issue("guard"), _authority.Issue("guard"));
        Write(first, _authority);
        await using var runner = await TlsRunner.StartAsync(_authority.Issue("127.0.0.1"), _authority);
        await using var guard = await StartAsync();
        using var control = new ControlApi(guard.Control);
        var actor = await CreateAsync(control, runner);
        using var http = new HttpClient { BaseAddress = guard.Gateway };
        var waiting = http.GetStringAsync(new Uri($"/gateway/{actor}/wait", UriKind.Relative), Ct);
        await runner.Waiting.Task.WaitAsync(TestGuard.Patience, Ct);

        Write(second, _authority);
        TlsGuard.Settle(_time);
        await http.GetStringAsync(new Uri($"/gateway/{actor}/after", UriKind.Relative), Ct).WaitAsync(TestGuard.Patience, Ct);
        runner.Release.SetResult();

        Assert.Equal("waited", await waiting.WaitAsync(TestGuard.Patience, Ct));
        Assert.Equal([$"start {first.Thumbprint}", $"/wait {first.Thumbprint}", $"/after {second.Thumbprint}"], runner.Calls);
    }

    [Fact]
    public async Task Renewal_AuthorityTakenAway_RunnerIsNotReachedAnyMore()
    {
        Write(_authority.Issue("guard"), _authority);
        await using var runner = await TlsRunner.StartAsync(_authority.Issue("127.0.0.1"), _authority);
        await using var guard = await StartAsync();
        using var control = new ControlApi(guard.Control);
        var actor = await CreateAsync(control, runner);
        using var http = new HttpClient { BaseAddress = guard.Gateway };
        await http.GetStringAsync(new Uri($"/gateway/{actor}/before", UriKind.Relative), Ct).WaitAsync(TestGuard.Patience, Ct);
        var before = runner.Calls.Count;

        _files.Write("runners.pem", _stranger.Pem);
        TlsGuard.Settle(_time);
        await WithRequestAsync(guard, actor, () => UntilCountedAsync(control, "guard_retries_total{reason=\"not_reached\"}"));

        Assert.Equal(before, runner.Calls.Count);
    }

    private async Task<TestGuard> StartAsync()
        => await TestGuard.StartAsync(
            [
                $"--Guard:Runners:Tls:Certificate={Path.Combine(_files.Root, "guard.crt")}",
                $"--Guard:Runners:Tls:Key={Path.Combine(_files.Root, "guard.key")}",
                $"--Guard:Runners:Tls:Authorities={Path.Combine(_files.Root, "runners.pem")}",
                "--Guard:Runners:EligibleAfter=10:00:00",
                "--Guard:Runners:LostAfter=11:00:00",
            ],
            services: services => services.AddSingleton<TimeProvider>(_time));

    /// <summary>A pool with the runner, and an actor of it.</summary>
    private static async Task<string> CreateAsync(ControlApi control, TlsRunner runner)
    {
        await control.PutPoolAsync("default", Ct).WaitAsync(TestGuard.Patience, Ct);
        await control.CallAsync(
            HttpMethod.Post,
            "runners?namespace=default",
            $$"""{"name":"default","key":"tls","version":1,"endpoint":"{{runner.Endpoint}}","total_slots":10}""",
            Ct).WaitAsync(TestGuard.Patience, Ct);
        return await control.CreateActorAsync("default", Ct).WaitAsync(TestGuard.Patience, Ct);
    }

    private void Write(TestCertificate certificate, TestAuthority authority)
    {
        _files.Write("guard.crt", certificate.Pem);
        _files.Write("guard.key", certificate.Key);
        _files.Write("runners.pem", authority.Pem);
    }

    /// <summary>While a request for the actor waits; it has left in the end.</summary>
    private static async Task WithRequestAsync(TestGuard guard, string actor, Func<Task> until)
    {
        using var http = new HttpClient { BaseAddress = guard.Gateway };
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var request = http.GetAsync(new Uri($"/gateway/{actor}/", UriKind.Relative), leave.Token);
        await until();
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
    }

    private static async Task UntilCountedAsync(ControlApi control, string series)
    {
        var url = new Uri("/metrics", UriKind.Relative);
        while (!(await control.Client.GetStringAsync(url, Ct)).Contains(series + " ", StringComparison.Ordinal))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Ct);
        }
    }

    private static async Task UntilAsync(TlsRunner runner, string verb)
    {
        while (!runner.Calls.Any(c => c.StartsWith(verb + " ", StringComparison.Ordinal)))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Ct);
        }
    }
}
