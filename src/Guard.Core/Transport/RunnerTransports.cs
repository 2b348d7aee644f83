using System.Collections.Frozen;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;

namespace Guard.Core.Transport;

/// <summary>The way to every runner: its location says which transport. Thread-safe.</summary>
/// <param name="transports">Each with the type of the locations it reaches.</param>
internal sealed class RunnerTransports(params IEnumerable<(Type Location, IRunnerTransport Transport)> transports)
{
    private readonly FrozenDictionary<Type, IRunnerTransport> _byLocation = transports.ToFrozenDictionary(t => t.Location, t => t.Transport);

    /// <exception cref="KeyNotFoundException">No transport reaches such a location: the record is of a build that has more of them.</exception>
    public IRunnerTransport Of(RunnerAddress runner) => _byLocation[runner.Location.GetType()];

    /// <inheritdoc cref="IRunnerTransport.StartAsync"/>
    public Task<StartResult> StartAsync(ActorRecord actor, RunnerAddress runner) => Of(runner).StartAsync(actor, runner);

    /// <inheritdoc cref="IRunnerTransport.StopAsync"/>
    public Task<StopReply> StopAsync(RunnerAddress runner, ActorId actor, long generation, string reason) => Of(runner).StopAsync(runner, actor, generation, reason);
}
