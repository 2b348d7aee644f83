using Guard.Core.Async;
using Guard.Core.Errors;
using Guard.Model.Ids;

namespace Guard.Simulation.Processes;

/// <summary>One request of a client at one Guard, and what the checks need to know of it.</summary>
internal sealed class SimRequest(int number, SimGuard guard, string? key, ActorId actor)
{
    public int Number => number;

    public SimGuard Guard => guard;

    /// <summary>Named by key (getOrCreate); null when named by id.</summary>
    public string? Key => key;

    /// <summary>Known from the start when named by id.</summary>
    public ActorId Actor { get; set; } = actor;

    public long Arrival => Deadline.Arrival;

    /// <summary>Set by the Guard when the request arrives.</summary>
    public Deadline Deadline { get; set; } = null!;

    /// <summary>Its answer must be there by now; moved while its Guard stands still.</summary>
    public long MustEndBy { get; set; }

    /// <summary>When the client left; 0 while it is there.</summary>
    public long LeftAt { get; set; }

    /// <summary>It is with a runner, or on its way there: that has limits of its own.</summary>
    public bool IsForwarded { get; set; }

    public bool HasEnded { get; set; }

    /// <summary>Replies 421 it got from runners.</summary>
    public int NotMyActor { get; set; }

    /// <summary>Tries that did not reach a runner.</summary>
    public int NotReached { get; set; }

    /// <summary>A runner began to run it.</summary>
    public bool HasRun { get; set; }

    /// <summary>Tries that broke after they were sent.</summary>
    public int Broken { get; set; }

    /// <summary>The generation that ran it; 0 when none did.</summary>
    public long ServedIn { get; set; }

    /// <summary>Null when it was served.</summary>
    public GuardError? Error { get; set; }

    /// <summary>In the Guard's process.</summary>
    public CancellationTokenSource Client { get; } = new();
}
