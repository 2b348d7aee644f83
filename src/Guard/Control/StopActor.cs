using Guard.Model.Ids;
using Guard.Model.Runners;

namespace Guard.Control;

/// <summary>Tells a runner to stop an actor: the runner client's call, as far as this API needs it.</summary>
/// <param name="runner">Where the actor runs or is being started.</param>
/// <param name="id">The actor.</param>
/// <param name="generation">The generation to stop.</param>
/// <param name="reason">As on the wire, e.g. <c>destroy</c>.</param>
/// <param name="cancellationToken">Gives up.</param>
internal delegate Task StopActor(RunnerAddress runner, ActorId id, long generation, string reason, CancellationToken cancellationToken);
