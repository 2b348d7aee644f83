using System.Numerics;
using System.Security.Cryptography;
using Guard.Model.Ids;

namespace Guard.Core.Request.Routing;

/// <summary>
/// An index of the cache's entries, by id or by name key: open addressing over the entries themselves, because a node of a dictionary for each
/// would weigh as much as the entry. Reads take no lock; writes take one. Thread-safe.
/// </summary>
/// <remarks>
/// A reader that meets a write sees the table before it or after it: a slot only goes from empty to an entry, from one entry to
/// another of the same name, or to and from <see cref="Removed"/>, and a table that has grown is another array.
/// </remarks>
/// <param name="byName">By name key; else by id.</param>
internal sealed class RouteTable(bool byName)
{
    private const int SmallestSize = 16;
    private static readonly RouteEntry Removed = new(default);

    // Ids that no actor has are kept too, so that they are not looked up again at once, and clients choose them.
    private readonly ulong _seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
    private readonly Lock _writes = new();
    private volatile RouteEntry?[] _slots = new RouteEntry?[SmallestSize];

    // Slots that are not empty, removed ones included. Under the lock.
    private int _used;
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public RouteEntry? Find(ActorId id)
    {
        var slots = _slots;
        for (var at = id.GetHashCode(_seed); ; at++)
        {
            var entry = Volatile.Read(ref slots[at & (slots.Length - 1)]);
            if (entry is null || entry.Id == id)
            {
                return entry;
            }
        }
    }

    /// <param name="nameKey">See <see cref="NameKeys"/>.</param>
    public RouteEntry? Find(ReadOnlySpan<char> nameKey)
    {
        var hash = string.GetHashCode(nameKey);
        var slots = _slots;
        for (var at = hash; ; at++)
        {
            var entry = Volatile.Read(ref slots[at & (slots.Length - 1)]);
            if (entry is null || (entry.NameHash == hash && entry.IsNamed(nameKey)))
            {
                return entry;
            }
        }
    }

    /// <summary>The entry of an id, and whether it is the one given, which was put in because there was none.</summary>
    public (RouteEntry Entry, bool Added) GetOrAdd(RouteEntry entry)
    {
        lock (_writes)
        {
            if (Find(entry.Id) is { } held)
            {
                return (held, false);
            }

            Insert(entry);
            return (entry, true);
        }
    }

    /// <summary>Lets a name key lead to an entry, in place of the one it led to.</summary>
    public void Put(ReadOnlySpan<char> nameKey, RouteEntry entry)
    {
        var hash = string.GetHashCode(nameKey);
        lock (_writes)
        {
            entry.NameHash = hash;

            // An entry that has lost its route has no name any more, and still stands here.
            var slots = _slots;
            for (var at = hash; slots[at & (slots.Length - 1)] is { } held; at++)
            {
                if (held == entry || (held.NameHash == hash && held.IsNamed(nameKey)))
                {
                    Volatile.Write(ref slots[at & (slots.Length - 1)], entry);
                    return;
                }
            }

            Insert(entry);
        }
    }

    /// <summary>Takes out this very entry; false when it is not in.</summary>
    public bool Remove(RouteEntry entry)
    {
        lock (_writes)
        {
            var slots = _slots;
            var at = HashOf(entry);
            for (; slots[at & (slots.Length - 1)] is { } held && held != entry; at++)
            {
            }

            if (slots[at & (slots.Length - 1)] is null)
            {
                return false;
            }

            Volatile.Write(ref slots[at & (slots.Length - 1)], Removed);
            Volatile.Write(ref _count, _count - 1);

            // Before an empty slot nobody has to be led on.
            for (; slots[(at + 1) & (slots.Length - 1)] is null && slots[at & (slots.Length - 1)] == Removed; at--)
            {
                Volatile.Write(ref slots[at & (slots.Length - 1)], null);
                _used--;
            }

            return true;
        }
    }

    /// <summary>The entry at a position, null where there is none; false beyond the last. Positions change when the table grows.</summary>
    public bool TryGetAt(int position, out RouteEntry? entry)
    {
        var slots = _slots;
        entry = position < slots.Length ? Volatile.Read(ref slots[position]) : null;
        entry = entry == Removed ? null : entry;
        return position < slots.Length;
    }

    private void Insert(RouteEntry entry)
    {
        // At most three of four slots are in use, so that searches stay short and come to an end.
        if ((_used + 1) * 4L > _slots.Length * 3L)
        {
            Rebuild();
        }

        var slots = _slots;
        var at = HashOf(entry);
        while (slots[at & (slots.Length - 1)] is { } held && held != Removed)
        {
            at++;
        }

        _used += slots[at & (slots.Length - 1)] is null ? 1 : 0;
        Volatile.Write(ref slots[at & (slots.Length - 1)], entry);
        Volatile.Write(ref _count, _count + 1);
    }

    /// <summary>Another array, at most half full, without those removed.</summary>
    private void Rebuild()
    {
        var slots = new RouteEntry?[Math.Max(SmallestSize, (int)BitOperations.RoundUpToPowerOf2((uint)(_count + 1) * 2))];
        foreach (var entry in _slots)
        {
            if (entry is not null && entry != Removed)
            {
                var at = HashOf(entry);
                while (slots[at & (slots.Length - 1)] is not null)
                {
                    at++;
                }

                slots[at & (slots.Length - 1)] = entry;
            }
        }

        _used = _count;
        _slots = slots;
    }

    private int HashOf(RouteEntry entry) => byName ? entry.NameHash : entry.Id.GetHashCode(_seed);
}
