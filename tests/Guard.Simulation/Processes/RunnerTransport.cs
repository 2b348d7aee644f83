using System.Net;
using System.Text.Json;
using Guard.Core.Transport.Connections;
using Guard.Core.Transport.Http;
using Guard.Model.Ids;
using Guard.Simulation.Engine;

namespace Guard.Simulation.Processes;

/// <summary>A Guard's way to the runners, in place of the HTTP client's sockets: start and stop calls of <see cref="RunnerClient"/>.</summary>
internal sealed class RunnerTransport(World world, SimProcess guard) : HttpMessageHandler
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(2);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var path = request.RequestUri!.AbsolutePath.Split('/');
        using var content = request.Content!.ReadAsStream(cancellationToken);
        using var body = JsonDocument.Parse(content);
        var actor = ActorId.Parse(path[3]);
        var generation = body.RootElement.GetProperty("generation").GetInt64();
        var isStart = path[4] == "start";
        var runner = world.Runners.Single(r => r.Host == request.RequestUri.Host);
        await ReachAsync(world, guard, runner, cancellationToken);
        var fate = new Fate(
            world.Delay(),
            world.Delay(),
            ReplyLost: world.May(FaultKinds.BadStarts) && world.Chance(0.05));
        if (fate.ReplyLost && isStart)
        {
            world.Checks.StartWentWrong(actor);
        }

        var life = runner.Life;
        try
        {
            var status = await Wire.CallAsync(
                guard, life.Process, fate, () => isStart ? life.StartAsync(actor, generation) : life.StopAsync(actor, generation), cancellationToken);
            return new((HttpStatusCode)status);
        }
        catch (IOException e)
        {
            throw new HttpRequestException(HttpRequestError.ResponseEnded, "connection lost", e);
        }
    }

    /// <summary>Connects.</summary>
    /// <exception cref="RunnerUnreachableException">It is not there, or cut off.</exception>
    public static async Task ReachAsync(World world, SimProcess guard, SimRunner runner, CancellationToken cancellationToken)
    {
        var refused = !runner.Life.Process.IsAlive;
        if (!refused && !runner.IsCutFromCalls)
        {
            return;
        }

        await Task.Delay(refused || world.Chance(0.5) ? world.Delay() : ConnectTimeout, guard.Time, cancellationToken);
        throw new RunnerUnreachableException(refused ? "connection refused" : "connect timeout");
    }
}
