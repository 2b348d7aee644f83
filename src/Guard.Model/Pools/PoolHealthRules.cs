namespace Guard.Model.Pools;

/// <summary>The numbers <see cref="PoolHealth"/> turns by. A value: taken anew from the options for every transition, so that a reload
/// takes effect with the next one.</summary>
/// <param name="ErrorsToTrip">Errors since the last success that turn a pool red, at least 1.</param>
/// <param name="SuccessesToClear">Consecutive successes that turn it green, at least 1.</param>
/// <param name="ErrorTtl">How long an error counts that nobody repeats, in ms.</param>
internal readonly record struct PoolHealthRules(int ErrorsToTrip, int SuccessesToClear, long ErrorTtl);
