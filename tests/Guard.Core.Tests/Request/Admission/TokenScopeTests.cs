using Guard.Core.Request.Admission;
using Guard.Model.Ids;

namespace Guard.Core.Tests.Request.Admission;

public sealed class TokenScopeTests
{
    private const string Id = "1w0adw1g4dt48up1l5ejw7nnlmcl00";

    [Theory]
    [InlineData("a", null, null, true)]
    [InlineData("b", null, null, false)]
    [InlineData("*", null, null, true)]
    [InlineData("b,a", null, null, true)]
    [InlineData("a", "lobby", null, true)]
    [InlineData("a", "lob*", null, true)]
    [InlineData("a", "other", null, false)]
    [InlineData("a", null, "room", true)]
    [InlineData("a", null, "roo?", true)]
    [InlineData("a", null, "ROOM", false)]
    [InlineData("a", null, "room/blue", true)]
    [InlineData("a", null, "room/red", false)]
    [InlineData("a", null, "*/blue", true)]
    [InlineData("a", null, Id, true)]
    [InlineData("a", "lobby", "chat,room/*", true)]
    [InlineData("a", "other", Id, false)]
    public void Allows_Actor_ByNamespacePoolAndPattern(string namespaces, string? pools, string? actors, bool expected)
        => Assert.Equal(expected, Scope(namespaces, pools, actors).Allows(new PoolId("a", "lobby"), "room", "blue", Id));

    [Theory]
    [InlineData("a", null, null, true, true)]
    [InlineData("b", null, null, false, false)]
    [InlineData("a", "lobby", null, true, false)]
    [InlineData("a", "other", null, false, false)]
    [InlineData("a", null, "room/blue", true, true)]
    [InlineData("a", null, Id, false, false)]
    public void MayCreate_AndCoversKey_OnlyWhatIsSureToBeInScope(string namespaces, string? pools, string? actors, bool create, bool covers)
    {
        var scope = Scope(namespaces, pools, actors);

        Assert.Equal(create, scope.MayCreate("a", "lobby", "room", "blue"));
        Assert.Equal(covers, scope.CoversKey("a", "room", "blue"));
    }

    [Fact]
    public void Empty_Namespaces_NothingIsAllowed()
    {
        var scope = new TokenScope([]);

        Assert.False(scope.IsAll);
        Assert.False(scope.MayFind("a"));
        Assert.False(scope.Allows(new PoolId("a", "p"), "n", null, Id));
        Assert.True(TokenScope.All.IsAll);
    }

    [Fact]
    public void Find_StaticTokens_EachWithItsNamespaces()
    {
        var tokens = new StaticTokens(
            [$"a={TokenHash.Format("one")}", $"b={TokenHash.Format("one").ToUpperInvariant().Replace("SHA256", "sha256", StringComparison.Ordinal)}", $"*={TokenHash.Format("root")}"]);

        Assert.Equal((true, true, false), Spaces(tokens.Find("one")));
        Assert.True(tokens.Find("root")!.IsAll);
        Assert.Null(tokens.Find("two"));
        Assert.Null(tokens.Find("One"));
        Assert.Null(tokens.Find(TokenHash.Format("one")));
    }

    [Fact]
    public void TokenHash_PlainAndHashed_ReadTheSame()
    {
        Assert.Equal("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", TokenHash.Format("abc"));
        Assert.Equal(TokenHash.Of("abc"), TokenHash.Read(TokenHash.Format("abc")));
        Assert.Equal(TokenHash.Of("abc"), TokenHash.Read("abc"));

        // What only looks like a hash is a token as any other.
        Assert.Equal(TokenHash.Of("sha256:xyz"), TokenHash.Read("sha256:xyz"));
    }

    private static (bool A, bool B, bool C) Spaces(TokenScope? scope) => (scope!.MayFind("a"), scope.MayFind("b"), scope.MayFind("c"));

    private static TokenScope Scope(string namespaces, string? pools, string? actors) => new(namespaces.Split(','), pools?.Split(','), actors?.Split(','));
}
