using Guard.Core.Errors;
using Microsoft.Extensions.Primitives;

namespace Guard.Core.Tests.Errors;

public class ErrorFormatTests
{
    [Theory]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData("*/*", false)]
    [InlineData("application/*", false)]
    [InlineData("application/json", false)]
    [InlineData("text/html", false)]
    [InlineData("application/problem+json", true)]
    [InlineData("APPLICATION/Problem+JSON", true)]
    [InlineData("application/problem+json; charset=utf-8", true)]
    [InlineData("application/problem+json;q=0", false)]
    [InlineData("application/problem+json;q=0.5", true)]
    [InlineData("application/json, application/problem+json", true)]
    [InlineData("application/problem+json, application/json", true)]
    [InlineData("application/problem+json;q=0.9, application/json", false)]
    [InlineData("application/problem+json;q=0.9, application/json;q=0.8", true)]
    [InlineData("application/problem+json;q=0.5, */*", false)]
    [InlineData("application/problem+json, */*", true)]
    [InlineData("application/problem+json;q=0.5, */*;q=0.1", true)]
    [InlineData("application/problem+json;q=0.5, application/*;q=0.8, */*;q=0.1", false)]
    [InlineData("application/problem+json;q=0.5, application/json;q=0.2, */*", true)]
    [InlineData("application/problem+json;q=0.5, application/json;q=0.2, application/*, */*", true)]
    [InlineData("text/html, application/problem+json;q=0.1", true)]
    [InlineData(";;;, application/problem+json", true)]
    [InlineData("application/problem+json-seq", false)]
    [InlineData("application/vnd.problem+json", false)]
    public void WantsProblem_OneHeader_FollowsItsQualities(string? accept, bool expected)
        => Assert.Equal(expected, ErrorFormat.WantsProblem(accept));

    [Fact]
    public void WantsProblem_SeveralHeaders_AreReadAsOne()
    {
        Assert.True(ErrorFormat.WantsProblem(new StringValues(["text/html", "application/problem+json"])));
        Assert.False(ErrorFormat.WantsProblem(new StringValues(["application/json", "application/problem+json;q=0.2"])));
    }
}
