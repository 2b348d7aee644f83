using Guard.Model.Stores;

namespace Guard.Storage.Memory;

/// <summary>Something listed in the order it was created.</summary>
internal abstract class Created(long sequence)
{
    /// <summary>Its place in the order; unique and rising in a store.</summary>
    public long Sequence { get; } = sequence;

    /// <summary>It was removed from the store; lists drop it when they next tidy up. Written under the lock of its namespace.</summary>
    public bool IsPurged { get; set; }
}

/// <summary>
/// Entries in the order of their creation, read newest first: 8 bytes each, and a position that stays valid while others come and go.
/// Not thread-safe: guarded by the lock of its namespace.
/// </summary>
internal sealed class CreationList<T>
    where T : Created
{
    /// <summary>Most entries one page looks at.</summary>
    public const int MaxScanned = 20_000;

    private readonly List<T> _entries = [];
    private int _purged;

    /// <summary>Entries not purged.</summary>
    public int Count => _entries.Count - _purged;

    /// <summary>Adds an entry whose sequence is higher than all before.</summary>
    public void Add(T entry) => _entries.Add(entry);

    /// <summary>Counts an entry of this list that was marked as purged, and drops such entries once they are a quarter of the list.</summary>
    public void Purged()
    {
        _purged++;
        if (_purged > 16 && _purged > _entries.Count / 4)
        {
            _entries.RemoveAll(static e => e.IsPurged);
            _purged = 0;
            if (_entries.Count < _entries.Capacity / 4)
            {
                _entries.TrimExcess();
            }
        }
    }

    /// <summary>
    /// A page of the entries that <paramref name="select"/> maps to something, newest first. A page looks at no more than
    /// <see cref="MaxScanned"/> entries, so that one call cannot hold the lock for long: it may end early, with a cursor.
    /// </summary>
    public Page<TResult> Read<TResult>(char kind, string? cursor, int limit, Func<T, TResult?> select)
        where TResult : class
    {
        ListCursor.CheckLimit(limit);
        var index = IndexBefore(ListCursor.ReadNumber(kind, cursor) ?? long.MaxValue);
        var stop = Math.Max(-1, index - MaxScanned);
        var items = new List<TResult>();
        var next = 0L;
        for (; index > stop; index--)
        {
            var entry = _entries[index];
            if (entry.IsPurged || select(entry) is not { } item)
            {
                continue;
            }

            if (items.Count == limit)
            {
                // Only now is it certain that there is a next page.
                return new(items, ListCursor.At(kind, next));
            }

            items.Add(item);
            next = entry.Sequence;
        }

        return new(items, index < 0 ? null : ListCursor.At(kind, _entries[index + 1].Sequence));
    }

    /// <summary>The index of the newest entry older than <paramref name="before"/>; -1 when there is none.</summary>
    private int IndexBefore(long before)
    {
        var (low, high) = (0, _entries.Count);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_entries[middle].Sequence < before)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low - 1;
    }
}
