using System.Diagnostics;
using Guard.Core.Transport.Http;
using Microsoft.Extensions.Primitives;

namespace Guard.Core.Tests.Transport.Http;

public sealed class TraceContextTests
{
    private const string Parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    [Theory]
    [InlineData(Parent, true)]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true)]
    [InlineData("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", true)]
    [InlineData("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true)]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", false)]
    [InlineData("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more", false)]
    [InlineData("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false)]
    [InlineData("00-00000000000000000000000000000000-b7ad6b7169203331-01", false)]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false)]
    [InlineData("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false)]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false)]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g", false)]
    [InlineData("00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false)]
    [InlineData("", false)]
    [InlineData("garbage", false)]
    public void IsValid_Text_AsTheSpecificationSays(string text, bool valid) => Assert.Equal(valid, TraceContext.IsValid(text));

    [Theory]
    [InlineData(Parent, "-01")]
    [InlineData("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff-more", "-03")]
    public void Next_ValidParent_SameTraceNewSpan(string received, string flags)
    {
        var next = TraceContext.Next(received, out var continued);

        Assert.True(continued);
        Assert.True(TraceContext.IsValid(next));
        Assert.StartsWith("00-0af7651916cd43dd8448eb211c80319c-", next, StringComparison.Ordinal);
        Assert.DoesNotContain("b7ad6b7169203331", next, StringComparison.Ordinal);
        Assert.EndsWith(flags, next, StringComparison.Ordinal);
    }

    [Fact]
    public void Next_NoneInvalidOrTwo_NewTrace()
    {
        foreach (var received in new StringValues[] { default, "garbage", new([Parent, Parent]) })
        {
            var next = TraceContext.Next(received, out var continued);

            Assert.False(continued);
            Assert.True(TraceContext.IsValid(next));
            Assert.DoesNotContain("0af7651916cd43dd8448eb211c80319c", next, StringComparison.Ordinal);
            Assert.NotEqual(next, TraceContext.Next(received, out _));
        }
    }

    [Fact]
    public void Next_ServerActivity_IsTheParent()
    {
        using var activity = new Activity("request").SetIdFormat(ActivityIdFormat.W3C).Start();

        Assert.Equal(activity.Id, TraceContext.Next(default, out _));
        Assert.DoesNotContain(activity.SpanId.ToHexString(), TraceContext.Next(Parent, out _), StringComparison.Ordinal);
    }
}
