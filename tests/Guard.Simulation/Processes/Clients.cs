using Guard.Model.Ids;
using Guard.Simulation.Engine;

namespace Guard.Simulation.Processes;

/// <summary>The clients: while things go wrong they ask for actors at their own pace; afterwards for every actor at every Guard until it serves.</summary>
internal sealed class Clients(World world)
{
    /// <summary>Between two tries of a client that insists.</summary>
    private static readonly TimeSpan TryAgain = TimeSpan.FromMilliseconds(300);

    private readonly SimProcess _process = world.Scheduler.NewProcess("clients");
    private readonly List<(string? Key, ActorId Actor)> _actors = [];
    private int _requests;
    private int _unserved;

    /// <summary>Actors that have been asked for since it is quiet and do not serve yet.</summary>
    public bool AllServed => _unserved == 0;

    /// <summary>What each that is not served heard last.</summary>
    public SortedDictionary<string, string> LastHeard { get; } = [];

    /// <summary>Half of the actors exist and are named by id, the others are made by whoever asks first.</summary>
    public void AddActor(string? key, ActorId actor) => _actors.Add((key, actor));

    public void Start()
    {
        for (var i = 0; i < world.Parameters.Clients; i++)
        {
            _process.Run(AskAsync);
        }
    }

    public void Insist()
    {
        foreach (var (key, actor) in _actors)
        {
            foreach (var guard in world.Guards)
            {
                _unserved++;
                _process.Run(() => InsistAsync(guard, key, actor));
            }
        }
    }

    private async Task AskAsync()
    {
        while (true)
        {
            await Task.Delay(world.About(world.Parameters.Pace), _process.Time);
            if (world.IsQuiet)
            {
                return;
            }

            var (key, actor) = _actors[world.Next(_actors.Count)];
            if (world.AnyGuard() is { } guard)
            {
                Send(guard, key, actor, static _ => { });
            }
        }
    }

    private async Task InsistAsync(SimGuard guard, string? key, ActorId actor)
    {
        var name = $"{key ?? "a" + SimIds.NumberOf(actor)} at {guard.Process}";
        while (true)
        {
            var answer = new TaskCompletionSource<SimRequest>();
            Send(guard, key, actor, request => _process.After(world.Delay(), () => answer.TrySetResult(request)));
            var request = await answer.Task;
            if (request.ServedIn > 0 || world.Checks.IsDestroyed(request.Actor))
            {
                LastHeard.Remove(name);
                _unserved--;
                return;
            }

            LastHeard[name] = request.Error?.FullCode ?? "nothing";
            await Task.Delay(TryAgain, _process.Time);
        }
    }

    private void Send(SimGuard guard, string? key, ActorId actor, Action<SimRequest> ended)
    {
        var request = new SimRequest(++_requests, guard, key, actor);
        guard.Process.After(world.Delay(), () => guard.Process.Run(async () =>
        {
            await guard.Gateway.ServeAsync(request);
            ended(request);
        }));
        if (world.May(FaultKinds.ClientsLeave) && world.Chance(0.2))
        {
            guard.Process.After(world.About(TimeSpan.FromSeconds(2)), () => Leave(request));
        }
    }

    private void Leave(SimRequest request)
    {
        if (!request.HasEnded)
        {
            world.Checks.ClientLeft(request);
            request.Client.Cancel();
        }
    }
}
