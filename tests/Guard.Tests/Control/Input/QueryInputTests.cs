using Guard.Control.Input;

namespace Guard.Tests.Control.Input;

public sealed class QueryInputTests
{
    private static readonly TextRule Any = new(_ => true, "anything");

    [Theory]
    [InlineData("?a=b+c%2B%C3%BC%26", "b c+ü&")]
    [InlineData("a=1=2", "1=2")]
    [InlineData("?&&a", "")]
    [InlineData("?a=", "")]
    [InlineData("?%61=x", "x")]
    public void Text_WellFormed_IsDecoded(string raw, string expected)
    {
        var errors = new InputErrors();

        Assert.Equal(expected, new QueryInput(raw, ["a"], errors).Text("a", Any));
        Assert.Null(errors.First);
    }

    [Theory]
    [InlineData("?a=%", "a")]
    [InlineData("?a=%4", "a")]
    [InlineData("?a=%zz", "a")]
    [InlineData("?a=%+1", "a")]
    [InlineData("?a=%ff", "a")]
    [InlineData("?a=%ed%a0%80", "a")]
    [InlineData("?a=x%00", "a")]
    [InlineData("?a=ü", "a")]
    [InlineData("?a=1&a=2", "a")]
    [InlineData("?a=1&%zz=2", "query")]
    [InlineData("?a=1&=2", "")]
    [InlineData("??a=1", "?a")]
    [InlineData("?A=1", "A")]
    public void New_Malformed_NamesTheParameter(string raw, string field)
    {
        var errors = new InputErrors();

        _ = new QueryInput(raw, ["a"], errors);

        Assert.Equal(field.Length == 0 ? null : field, errors.First?.Metadata?.Name);
        Assert.NotNull(errors.First);
    }
}
