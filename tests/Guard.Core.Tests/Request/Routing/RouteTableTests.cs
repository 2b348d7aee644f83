using Guard.Core.Request.Routing;
using Guard.Core.Transport;
using Guard.Model.Actors;
using Guard.Model.Ids;

namespace Guard.Core.Tests.Request.Routing;

public sealed class RouteTableTests
{
    private static readonly PoolId Pool = new("ns", "pool");

    [Fact]
    public void Find_AfterManyPutsAndRemovals_AsADictionary()
    {
        var (ids, names, expected, random) = (new RouteTable(byName: false), new RouteTable(byName: true), new Dictionary<int, RouteEntry>(), new Random(1));
        var all = Enumerable.Range(0, 2000).Select(Entry).ToArray();
        for (var step = 0; step < 100_000; step++)
        {
            var i = random.Next(all.Length);
            if (random.Next(3) > 0)
            {
                Assert.Equal(expected.TryAdd(i, all[i]), ids.GetOrAdd(all[i]).Added);
                names.Put(NameOf(i), all[i]);
            }
            else
            {
                Assert.Equal(expected.Remove(i), ids.Remove(all[i]));
                names.Remove(all[i]);
            }

            var asked = random.Next(all.Length);
            Assert.Same(expected.GetValueOrDefault(asked), ids.Find(all[asked].Id));
            Assert.Same(expected.GetValueOrDefault(asked), names.Find(NameOf(asked)));
        }

        Assert.Equal((expected.Count, expected.Count), (ids.Count, names.Count));
        Assert.Equal(expected.Values.ToHashSet(), Walk(ids).ToHashSet());
    }

    [Fact]
    public async Task Find_WhileOthersPutAndRemove_WhatStaysIsAlwaysFound()
    {
        var table = new RouteTable(byName: false);
        var stays = Enumerable.Range(0, 500).Select(Entry).ToArray();
        Array.ForEach(stays, e => table.GetOrAdd(e));
        var writer = Task.Run(
            () =>
            {
                // Grows, is emptied again and reuses what was removed.
                for (var round = 0; round < 200; round++)
                {
                    var comes = Enumerable.Range(0, 500).Select(Entry).ToArray();
                    Array.ForEach(comes, e => table.GetOrAdd(e));
                    Array.ForEach(comes, e => table.Remove(e));
                }
            },
            TestContext.Current.CancellationToken);
        while (!writer.IsCompleted)
        {
            Assert.All(stays, e => Assert.Same(e, table.Find(e.Id)));
        }

        await writer;
        Assert.Equal(stays.Length, table.Count);
    }

    [Fact]
    public void Put_NameOfAnother_LeadsToTheNewOneOnly()
    {
        var table = new RouteTable(byName: true);
        var (old, young) = (Entry(1), Entry(1));
        table.Put(NameOf(1), old);
        table.Put(NameOf(1), young);

        Assert.Same(young, table.Find(NameOf(1)));
        Assert.False(table.Remove(old));
        Assert.True(table.Remove(young));
        Assert.Null(table.Find(NameOf(1)));
    }

    [Fact]
    public void Find_EntryLostItsRoute_NoName()
    {
        var table = new RouteTable(byName: true);
        var entry = Entry(1);
        table.Put(NameOf(1), entry);
        entry.PutNotFound(0, 0);

        Assert.Null(table.Find(NameOf(1)));
        Assert.True(table.Remove(entry));
    }

    [Theory]
    [InlineData("ns/name/key", true)]
    [InlineData("ns/name/kex", false)]
    [InlineData("ns/name/ke", false)]
    [InlineData("nx/name/key", false)]
    [InlineData("ns/namex/ey", false)]
    [InlineData("n/sname/key", false)]
    [InlineData("", false)]
    public void Equal_Joined_OnlyTheSame(string nameKey, bool expected) => Assert.Equal(expected, NameKeys.Equal(nameKey, "ns", "name", "key"));

    private static IEnumerable<RouteEntry> Walk(RouteTable table)
    {
        for (var i = 0; table.TryGetAt(i, out var entry); i++)
        {
            if (entry is not null)
            {
                yield return entry;
            }
        }
    }

    private static string NameOf(int i) => $"ns/name/{i}";

    private static RouteEntry Entry(int i)
    {
        var id = ActorId.New(1);
        var entry = new RouteEntry(id);
        entry.Put(ActorRoute.From(new ActorRecord { Id = id, Pool = Pool, Name = "name", Key = $"{i}", Revision = 1 }), 0, 0);
        return entry;
    }
}
