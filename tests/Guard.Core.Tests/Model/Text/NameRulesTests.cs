using Guard.Model.Text;

namespace Guard.Core.Tests.Model.Text;

public sealed class NameRulesTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("0")]
    [InlineData("default")]
    [InlineData("a-b-9")]
    [InlineData("a--b")]
    public void IsLabel_Rfc1123_IsTrue(string name) => Assert.True(NameRules.IsLabel(name));

    [Theory]
    [InlineData("")]
    [InlineData("-a")]
    [InlineData("a-")]
    [InlineData("-")]
    [InlineData("A")]
    [InlineData("a.b")]
    [InlineData("a_b")]
    [InlineData("a b")]
    [InlineData("ä")]
    [InlineData("a\0")]
    [InlineData("١")]
    public void IsLabel_Others_IsFalse(string name) => Assert.False(NameRules.IsLabel(name));

    [Theory]
    [InlineData("a")]
    [InlineData("Chat_Room-1.2")]
    [InlineData("...")]
    [InlineData("-")]
    public void IsActorName_AllowedCharacters_IsTrue(string name) => Assert.True(NameRules.IsActorName(name));

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("a@b")]
    [InlineData("a b")]
    [InlineData("é")]
    [InlineData("a\n")]
    public void IsActorName_Others_IsFalse(string name) => Assert.False(NameRules.IsActorName(name));

    [Fact]
    public void Lengths_AreBounded()
    {
        Assert.True(NameRules.IsLabel(new string('a', 63)));
        Assert.False(NameRules.IsLabel(new string('a', 64)));
        Assert.True(NameRules.IsActorName(new string('a', 64)));
        Assert.False(NameRules.IsActorName(new string('a', 65)));
    }
}
