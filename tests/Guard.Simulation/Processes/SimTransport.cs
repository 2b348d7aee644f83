using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Transport;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Simulation.Engine;
using Microsoft.AspNetCore.Http;

namespace Guard.Simulation.Processes;

/// <summary>A Guard's way to the runners of the world: its requests, and its start and stop calls, under the world's faults. A request is a
/// <see cref="SimRequest"/> and no HTTP, so it has a call of its own here.</summary>
internal sealed class SimTransport(World world, SimProcess guard, LiveOptions options) : IRunnerTransport
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(2);

    public bool Admits(RunnerAddress runner, string target) => true;

    public RunnerExchange Begin(HttpContext context, ActorRoute route, string target, ReplayableBody? body) => throw NoHttp();

    public ValueTask<ForwardOutcome> UpgradeAsync(HttpContext context, ActorRoute route, string target) => throw NoHttp();

    /// <summary>One delivery to the route's runner.</summary>
    public async Task<ForwardOutcome> RequestAsync(SimRequest request, ActorRoute route)
    {
        var runner = At(route.Runner!);
        try
        {
            if (await NotReachedAsync(runner, request.Client.Token) is { } reason)
            {
                return new(ForwardStatus.NotReached, LastError: reason);
            }

            var life = runner.Life;
            var served = await Wire.CallAsync(
                guard, life.Process, new Fate(world.Delay(), world.Delay()), () => life.RequestAsync(request, route.Id, route.Generation), request.Client.Token);
            if (!served)
            {
                return new(ForwardStatus.NotMyActor);
            }

            request.ServedIn = route.Generation;
            return new(ForwardStatus.Done);
        }
        catch (IOException)
        {
            request.Broken++;
            return new(ForwardStatus.Failed, GuardErrors.UpstreamError("response", null));
        }
        catch (OperationCanceledException) when (request.Client.IsCancellationRequested)
        {
            return new(ForwardStatus.ClientGone);
        }
    }

    public async Task<StartResult> StartAsync(ActorRecord actor, RunnerAddress runner)
    {
        using var timeout = new CancellationTokenSource(options.Current.Runners.StartTimeout, guard.Time);
        try
        {
            return await CallAsync(At(runner), actor.Id, actor.Generation, isStart: true, timeout.Token) switch
            {
                (_, { } reason) => new(StartReply.NotReached, reason),
                (202, _) => new(StartReply.Accepted, "202"),
                ( >= 200 and < 300, _) => new(StartReply.Ready, "ready"),
                (var status, _) => new(StartReply.Refused, $"start answered {status}"),
            };
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            return new(StartReply.NoResponse, timeout.IsCancellationRequested ? "no answer in time" : "connection lost");
        }
    }

    public async Task<StopReply> StopAsync(RunnerAddress runner, ActorId actor, long generation, string reason)
    {
        using var timeout = new CancellationTokenSource(options.Current.Runners.StartTimeout, guard.Time);
        try
        {
            return await CallAsync(At(runner), actor, generation, isStart: false, timeout.Token) switch
            {
                (202, null) => StopReply.Accepted,
                ( >= 200 and < 300, null) => StopReply.Stopped,
                _ => StopReply.Failed,
            };
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            return StopReply.Failed;
        }
    }

    private static NotSupportedException NoHttp() => new("the requests of a simulation are no HTTP");

    private SimRunner At(RunnerAddress address) => world.Runners.Single(r => $"http://{r.Host}" == address.Location.Endpoint);

    /// <summary>The status the runner answered, or why it was not reached.</summary>
    private async Task<(int Status, string? NotReached)> CallAsync(
        SimRunner runner, ActorId actor, long generation, bool isStart, CancellationToken cancellationToken)
    {
        if (await NotReachedAsync(runner, cancellationToken) is { } reason)
        {
            return (0, reason);
        }

        var fate = new Fate(
            world.Delay(),
            world.Delay(),
            ReplyLost: world.May(FaultKinds.BadStarts) && world.Chance(0.05));
        if (fate.ReplyLost && isStart)
        {
            world.Checks.StartWentWrong(actor);
        }

        var life = runner.Life;
        var status = await Wire.CallAsync(
            guard, life.Process, fate, () => isStart ? life.StartAsync(actor, generation) : life.StopAsync(actor, generation), cancellationToken);
        return ((int)status, null);
    }

    /// <summary>Connects; null when it is there.</summary>
    private async Task<string?> NotReachedAsync(SimRunner runner, CancellationToken cancellationToken)
    {
        var refused = !runner.Life.Process.IsAlive;
        if (!refused && !runner.IsCutFromCalls)
        {
            return null;
        }

        await Task.Delay(refused || world.Chance(0.5) ? world.Delay() : ConnectTimeout, guard.Time, cancellationToken);
        return refused ? "connection refused" : "connect timeout";
    }
}
