using System.Net.Http.Headers;

namespace Guard.Demo;

/// <summary>
/// <c>--demo</c>: fills an empty Guard with a pool that works, a serverless one, one that does not work, and actors of all, through its control API as any
/// runner would, and prints curl lines to try. Ends the process, exit code 1, when that fails.
/// </summary>
internal sealed partial class DemoMode(
    IConfiguration configuration, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<DemoMode> logger) : BackgroundService
{
    public const string Switch = "--demo";

    public const string Pool = "default";

    public const string BrokenPool = "broken";

    /// <summary>Has no runner until a request needs one.</summary>
    public const string ServerlessPool = "serverless";

    private const string Namespace = "default";

    /// <summary>Often enough that a request that probes the broken pool is answered soon after its check delay.</summary>
    private static readonly TimeSpan ErrorInterval = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Takes the switch out of the command line (the configuration reader would take the next argument for its value); whether
    /// it was there.</summary>
    public static bool TryTake(ref string[] args)
    {
        var rest = Array.FindAll(args, a => a != Switch);
        var found = rest.Length != args.Length;
        args = rest;
        return found;
    }

    /// <summary>Adds the demo to a Guard whose configuration is complete. The store is the embedded one whatever was configured: a demo
    /// leaves nothing behind.</summary>
    public static void AddTo(WebApplicationBuilder builder)
    {
        builder.Configuration.AddInMemoryCollection([new("Guard:Store:Provider", "Memory")]);
        builder.Services.AddHostedService<DemoMode>();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await StartedAsync(stoppingToken);
            await RunAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Ctrl+C.
        }
        catch (Exception e)
        {
            LogFailed(logger, e);
            Environment.ExitCode = 1;
            lifetime.StopApplication();
        }
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        var addresses = DemoAddresses.From(configuration);
        using var http = NewClient(addresses.Control);
        if (configuration["Guard:Control:Token"] is { Length: > 0 } token)
        {
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        var control = new ControlClient(http, Namespace);
        var datacenter = configuration["Guard:Datacenter:Name"] ?? "default";
        await control.PutPoolAsync(Pool, datacenter, new(new NormalPool()), cancellationToken);
        await control.PutPoolAsync(BrokenPool, datacenter, new(new NormalPool()), cancellationToken);

        await using var runner = await EchoRunner.StartAsync(time, cancellationToken);
        await control.PutPoolAsync(
            ServerlessPool, datacenter, new(Serverless: new(runner.Endpoint, RequestLifespan: 900, SlotsPerRunner: 10)), cancellationToken);
        var membership = new RunnerMembership(control, runner, Pool, time, logger);
        var interval = await membership.RegisterAsync(cancellationToken);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var beats = membership.RunAsync(interval, stop.Token);
        try
        {
            var ready = await control.GetOrCreateActorAsync(DemoActors.Name, DemoActors.Ready, Pool, cancellationToken);
            await control.GetOrCreateActorAsync(DemoActors.Name, DemoActors.Sleeping, Pool, cancellationToken);
            await control.GetOrCreateActorAsync(DemoActors.Name, DemoActors.Slow, Pool, cancellationToken);
            await control.GetOrCreateActorAsync(DemoActors.Name, DemoActors.Serverless, ServerlessPool, cancellationToken);
            var broken = await control.GetOrCreateActorAsync(DemoActors.Name, DemoActors.Broken, BrokenPool, cancellationToken);
            await ReportBrokenAsync(control, cancellationToken);
            await WakeAsync(addresses, ready, cancellationToken);

            await Console.Out.WriteAsync(CurlLines.Format(addresses, ready, broken));
            await KeepBrokenAsync(control, stop.Token);
        }
        finally
        {
            await stop.CancelAsync();
            await beats;
        }
    }

    /// <summary>The control API answers only once the application has started.</summary>
    private async Task StartedAsync(CancellationToken cancellationToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = lifetime.ApplicationStarted.UnsafeRegister(
            static state => ((TaskCompletionSource)state!).TrySetResult(), started);
        await started.Task.WaitAsync(cancellationToken);
    }

    /// <summary>A request is what wakes an actor: there is no other way, for a demo as for a user.</summary>
    private static async Task WakeAsync(DemoAddresses addresses, string actorId, CancellationToken cancellationToken)
    {
        using var http = NewClient(addresses.Gateway);
        using var reply = await http.GetAsync($"gateway/{actorId}/", cancellationToken);
        if (!reply.IsSuccessStatusCode)
        {
            throw new HttpRequestException($"the gateway answered {(int)reply.StatusCode}: {await reply.Content.ReadAsStringAsync(cancellationToken)}");
        }
    }

    /// <summary>To this machine, whatever proxy the environment names.</summary>
    private static HttpClient NewClient(string address)
        => new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri(address + "/"), Timeout = CallTimeout };

    private async Task KeepBrokenAsync(ControlClient control, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(ErrorInterval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            try
            {
                await ReportBrokenAsync(control, cancellationToken);
            }
            catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                // The pool stays red for minutes without a report; the next tick says it again.
                LogReportFailed(logger, e.Message);
            }
        }
    }

    private static Task ReportBrokenAsync(ControlClient control, CancellationToken cancellationToken)
        => control.ReportPoolErrorAsync(BrokenPool, StatusCodes.Status500InternalServerError, "the demo breaks this pool on purpose", cancellationToken);

    [LoggerMessage(2, LogLevel.Critical, "The demo could not be set up", EventName = "DemoFailed")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    [LoggerMessage(3, LogLevel.Warning, "The demo could not report the error of its broken pool; the likely cause: the control endpoint is busy or going down ({Reason})", EventName = "DemoReportFailed")]
    private static partial void LogReportFailed(ILogger logger, string reason);
}
