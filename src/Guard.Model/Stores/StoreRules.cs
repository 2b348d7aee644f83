using Guard.Model.Actors;
using Guard.Model.Pools;

namespace Guard.Model.Stores;

/// <summary>
/// The numbers that every store decides by. A value: stores ask for it anew at each call, so that a reload takes effect with the next one.
/// </summary>
/// <param name="Health">When a pool turns red and green.</param>
/// <param name="MaxErrorBytes">Bodies and messages of pool errors are cut to this many bytes of UTF-8, at least 0.</param>
/// <param name="Restart">When actors with crash policy restart are started again.</param>
/// <param name="EligibleAfter">A runner whose last heartbeat is at least this old gets no new actors.</param>
/// <param name="PendingFor">How long an actor that was refused a slot counts as pending.</param>
internal sealed record StoreRules(
    PoolHealthRules Health, int MaxErrorBytes, RestartRules Restart, TimeSpan EligibleAfter, TimeSpan PendingFor);
