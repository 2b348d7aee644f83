using Guard.Model.Stores;
using Guard.Storage.Memory;

namespace Guard.Storage.Tests.Memory;

public sealed class CreationListTests
{
    private static CreationList<Entry> List(int count, out List<Entry> entries)
    {
        var list = new CreationList<Entry>();
        entries = Enumerable.Range(1, count).Select(i => new Entry(i)).ToList();
        entries.ForEach(list.Add);
        return list;
    }

    private static (string Items, string? Cursor) Read(CreationList<Entry> list, int limit, string? cursor = null, Func<Entry, bool>? where = null)
    {
        var page = list.Read(ListCursor.Actors, cursor, limit, e => where?.Invoke(e) == false ? null : e);
        return (string.Join(',', page.Items.Select(e => e.Sequence)), page.Cursor);
    }

    [Fact]
    public void Read_Empty_NothingAndNoCursor() => Assert.Equal(("", null), Read(List(0, out _), 10));

    [Fact]
    public void Read_LimitIsExactlyWhatThereIs_NoCursor() => Assert.Equal(("3,2,1", null), Read(List(3, out _), 3));

    [Fact]
    public void Read_NothingMoreMatches_NoCursor() => Assert.Equal(("5,4", null), Read(List(5, out _), 2, where: e => e.Sequence > 3));

    [Fact]
    public void Read_CursorOfAPurgedEntry_GoesOnAfterIt()
    {
        var list = List(100, out var entries);
        var (_, cursor) = Read(list, 50);
        foreach (var entry in entries.Where(e => e.Sequence is > 40 and < 90))
        {
            entry.IsPurged = true;
            list.Purged();
        }

        Assert.Equal(51, list.Count);
        Assert.StartsWith("40,39,38", Read(list, 100, cursor).Items, StringComparison.Ordinal);
        Assert.StartsWith("100,99,98,97,96,95,94,93,92,91,90,40,", Read(list, 100).Items, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_CursorBeyondTheEnds_AllOrNothing()
    {
        var list = List(3, out _);

        Assert.Equal(("", null), Read(list, 10, ListCursor.At(ListCursor.Actors, 0)));
        Assert.Equal(("3,2,1", null), Read(list, 10, ListCursor.At(ListCursor.Actors, long.MaxValue)));
    }

    private sealed class Entry(long sequence) : Created(sequence);
}
