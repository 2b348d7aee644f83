using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Contracts;

public abstract partial class ActorStoreContract
{
    private static ActorQuery Query(string? name = null, string? key = null, bool destroyed = false, int limit = 1000, string? cursor = null)
        => new("default", null, name, key, destroyed, limit, cursor);

    private static ActorQuery Query(IReadOnlyList<ActorId> ids, bool destroyed = false, int limit = 1000, string? cursor = null)
        => new("default", ids, null, null, destroyed, limit, cursor);

    /// <summary>Every page of a list; <paramref name="between"/> runs after each.</summary>
    private async Task<List<ActorRecord>> ReadAllAsync(ActorQuery query, Func<Task>? between = null)
    {
        var all = new List<ActorRecord>();
        var cursor = (string?)null;
        do
        {
            var page = await Store.Actors.ListAsync(query with { Cursor = cursor }, Ct);
            Assert.InRange(page.Items.Count, 0, query.Limit);
            all.AddRange(page.Items);
            cursor = page.Cursor;
            if (between is not null)
            {
                await between();
            }
        }
        while (cursor is not null);
        return all;
    }

    [Fact]
    public async Task ListAsync_UnknownNamespace_Empty()
    {
        var page = await Store.Actors.ListAsync(Query(), Ct);

        Assert.Empty(page.Items);
        Assert.Null(page.Cursor);
    }

    [Fact]
    public async Task ListAsync_ByName_NewestFirstAndOnlyThatName()
    {
        var expected = new List<ActorId>();
        for (var i = 0; i < 5; i++)
        {
            expected.Insert(0, (await AddActorAsync($"{i}")).Id);
            await AddActorAsync(name: "game");
            await AddActorAsync(pool: new("other", "lobbies"));
            await Store.AdvanceAsync(TimeSpan.FromMilliseconds(5));
        }

        Assert.Equal(expected, (await ReadAllAsync(Query("lobby", limit: 2))).Select(a => a.Id));
        Assert.Equal(10, (await ReadAllAsync(Query(limit: 3))).Select(a => a.Id).Distinct().Count());
        Assert.Empty(await ReadAllAsync(Query("nobody")));
    }

    [Theory]
    [InlineData(1, 4)]
    [InlineData(3, 2)]
    [InlineData(4, 1)]
    [InlineData(1000, 1)]
    public async Task ListAsync_Limit_AsManyPagesAsNeeded(int limit, int pages)
    {
        for (var i = 0; i < 4; i++)
        {
            await AddActorAsync();
        }

        var read = 0;
        var all = await ReadAllAsync(Query("lobby", limit: limit), () => Task.FromResult(read++));

        Assert.Equal(4, all.Select(a => a.Id).Distinct().Count());
        Assert.Equal(pages, read);
    }

    [Fact]
    public async Task ListAsync_ActorsComeAndGoBetweenPages_TheOthersAppearOnce()
    {
        var stay = new List<ActorId>();
        var leave = new Queue<ActorId>();
        for (var i = 0; i < 40; i++)
        {
            var actor = await AddActorAsync();
            if (i % 2 == 0)
            {
                stay.Add(actor.Id);
            }
            else
            {
                leave.Enqueue(actor.Id);
            }
        }

        var all = await ReadAllAsync(Query("lobby", limit: 3), async () =>
        {
            await AddActorAsync();
            if (leave.TryDequeue(out var id))
            {
                await Store.Actors.DestroyAsync(id, Ct);
            }
        });

        Assert.Equal(all.Count, all.Select(a => a.Id).Distinct().Count());
        Assert.Subset(all.Select(a => a.Id).ToHashSet(), stay.ToHashSet());
    }

    [Fact]
    public async Task ListAsync_ByKey_LiveOneAndOnRequestItsPredecessors()
    {
        var ids = new List<ActorId>();
        for (var i = 0; i < 3; i++)
        {
            var actor = await AddActorAsync("k");
            await AddActorAsync($"other-{i}");
            ids.Insert(0, actor.Id);
            if (i < 2)
            {
                await Store.Actors.DestroyAsync(actor.Id, Ct);
            }

            await Store.AdvanceAsync(TimeSpan.FromMilliseconds(5));
        }

        Assert.Equal(ids[0], Assert.Single(await ReadAllAsync(Query("lobby", "k"))).Id);
        Assert.Equal(ids, (await ReadAllAsync(Query("lobby", "k", destroyed: true, limit: 1))).Select(a => a.Id));
        Assert.Empty(await ReadAllAsync(Query("lobby", "none", destroyed: true)));
    }

    [Fact]
    public async Task ListAsync_Destroyed_OnlyOnRequest()
    {
        var live = await AddActorAsync();
        var gone = await AddActorAsync();
        await Store.Actors.DestroyAsync(gone.Id, Ct);

        Assert.Equal(live.Id, Assert.Single(await ReadAllAsync(Query("lobby"))).Id);
        Assert.Equal(2, (await ReadAllAsync(Query("lobby", destroyed: true))).Count);
        Assert.Equal(live.Id, Assert.Single(await ReadAllAsync(Query([gone.Id, live.Id]))).Id);
        Assert.Equal([gone.Id, live.Id], (await ReadAllAsync(Query([gone.Id, live.Id], destroyed: true))).Select(a => a.Id));
    }

    [Fact]
    public async Task ListAsync_ByIds_TheseInThisOrderOnce()
    {
        var a = await AddActorAsync();
        var b = await AddActorAsync(name: "game");
        var elsewhere = await AddActorAsync(pool: new("other", "lobbies"));
        ActorId[] ids = [b.Id, ActorId.New(1), a.Id, b.Id, elsewhere.Id, a.Id];

        Assert.Equal([b.Id, a.Id], (await ReadAllAsync(Query(ids))).Select(x => x.Id));
        Assert.Equal([b.Id, a.Id], (await ReadAllAsync(Query(ids, limit: 1))).Select(x => x.Id));
        Assert.Empty(await ReadAllAsync(Query([])));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("a")]
    [InlineData("null")]
    [InlineData("a-000000000000001")]
    [InlineData("a00000000000000zz")]
    [InlineData("affffffffffffffff")]
    [InlineData("a0000000000000001 ")]
    [InlineData("ключ")]
    public async Task ListAsync_BadCursor_FormatException(string cursor)
    {
        await Assert.ThrowsAsync<FormatException>(async () => await Store.Actors.ListAsync(Query(cursor: cursor), Ct));
        var actor = await AddActorAsync("k");
        await Assert.ThrowsAsync<FormatException>(async () => await Store.Actors.ListAsync(Query(cursor: cursor), Ct));
        await Assert.ThrowsAsync<FormatException>(async () => await Store.Actors.ListAsync(Query("lobby", cursor: cursor), Ct));
        await Assert.ThrowsAsync<FormatException>(async () => await Store.Actors.ListAsync(Query("lobby", "k", cursor: cursor), Ct));
        await Assert.ThrowsAsync<FormatException>(async () => await Store.Actors.ListAsync(Query([actor.Id], cursor: cursor), Ct));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1001)]
    [InlineData(int.MaxValue)]
    public async Task ListAsync_LimitOutOfRange_Throws(int limit)
    {
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await Store.Actors.ListAsync(Query(limit: limit), Ct));
        await AddActorAsync();
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await Store.Actors.ListAsync(Query(limit: limit), Ct));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await Store.Actors.ListAsync(Query([], limit: limit), Ct));
    }

    [Fact]
    public async Task ListAsync_KeyWithoutName_Throws()
        => await Assert.ThrowsAsync<ArgumentException>(async () => await Store.Actors.ListAsync(Query(key: "k"), Ct));
}
