namespace Guard.Core.State.Serverless;

/// <summary>A connection that is being opened. It counts as one until a sweep shows its runner. Thread-safe.</summary>
/// <param name="RunnerId">What its runner will be.</param>
/// <param name="Terms">What it is opened with.</param>
/// <param name="Begun">Timestamp of the provider.</param>
/// <param name="Unwanted">Fires when another Guard manages the pool, or nobody, or its endpoint has changed.</param>
internal sealed record ConnectAttempt(string RunnerId, string Terms, long Begun, CancellationToken Unwanted);
