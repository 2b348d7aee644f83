namespace Guard.Model.Text;

/// <summary>
/// Lets equal values be one object: what a store reads is new each time, and a million routes hold the same few pools, names and runners.
/// Keeps a bounded number of values, so it needs no upkeep; where there are more, some are shared less. Thread-safe.
/// </summary>
internal sealed class InternTable<T>
    where T : class, IEquatable<T>
{
    // A value may be in any of the eight places of its set: of a few thousand values next to none are in each other's way.
    private const int Sets = 1024;
    private const int Ways = 8;
    private readonly T?[] _slots = new T?[Sets * Ways];
    private uint _next;

    /// <summary>The value, or one equal to it that others have.</summary>
    public T Of(T value)
    {
        var set = _slots.AsSpan((value.GetHashCode() & (Sets - 1)) * Ways, Ways);
        foreach (ref var slot in set)
        {
            var held = Volatile.Read(ref slot);
            if (held is null)
            {
                Volatile.Write(ref slot, value);
                return value;
            }

            if (held.Equals(value))
            {
                return held;
            }
        }

        Volatile.Write(ref set[(int)(_next++ % Ways)], value);
        return value;
    }
}
