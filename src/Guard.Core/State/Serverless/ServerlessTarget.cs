using Guard.Model.Ids;
using Guard.Model.Pools;

namespace Guard.Core.State.Serverless;

/// <summary>Where capacity of a pool is opened, and with what terms. Immutable.</summary>
/// <param name="Pool">The pool.</param>
/// <param name="Config">Its runner-config's serverless part: URL, secret headers, slots.</param>
/// <param name="InitTimeout">From the call to the first message.</param>
internal sealed record ServerlessTarget(PoolId Pool, ServerlessPoolConfig Config, TimeSpan InitTimeout);
