using System.Text;
using Guard.Hosting;

namespace Guard.Tests.Hosting;

public sealed class EdgeHeaderEncodingTests
{
    [Theory]
    [InlineData("keep-alive", "keep-alive")]
    [InlineData("Upgrade", "Upgrade")]
    [InlineData("keep-alive, Upgrade", "keep-alive, Upgrade")]
    [InlineData("x-a", "x-a")]
    [InlineData("x-a, x-b", "x-a, x-b")]
    [InlineData("close, x-a", "close, x-a, keep-alive")]
    [InlineData("Keep-Alive,x-a", "x-a")]
    [InlineData("keep-alive, upgrade, x-a", "keep-alive, upgrade, x-a")]
    public void Select_Connection_KeepsNamedHeadersFromKestrel(string line, string expected)
    {
        var encoding = EdgeHeaderEncoding.Select("Connection");

        Assert.Equal(expected, encoding.GetString(Encoding.ASCII.GetBytes(line).AsSpan()));
        Assert.Same(Encoding.Latin1, EdgeHeaderEncoding.Select("Cookie"));
    }
}
