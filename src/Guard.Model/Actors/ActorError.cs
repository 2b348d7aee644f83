using System.Text.Json.Serialization;

namespace Guard.Model.Actors;

internal enum ActorErrorKind
{
    NoCapacity,
    RunnerNoResponse,
    RunnerConnectionLost,
    RunnerDrainingTimeout,
    Crashed,
    InternalError,
}

/// <summary>
/// An actor's own failure. Immutable. JSON: <c>"no_capacity"</c>, <c>{"runner_no_response":{"runner_id"}}</c>,
/// <c>{"runner_connection_lost":{"runner_id"}}</c>, <c>{"runner_draining_timeout":{"runner_id"}}</c>, <c>{"crashed":{"message"}}</c>,
/// <c>"internal_error"</c>.
/// </summary>
/// <param name="Kind">Which failure.</param>
/// <param name="RunnerId">The runner it happened on, for the three kinds that name one.</param>
/// <param name="Message">Only with <see cref="ActorErrorKind.Crashed"/>.</param>
[JsonConverter(typeof(ActorErrorJsonConverter))]
internal sealed record ActorError(ActorErrorKind Kind, string? RunnerId = null, string? Message = null);
