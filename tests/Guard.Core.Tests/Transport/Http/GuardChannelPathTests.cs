using System.Text;
using CsCheck;
using Guard.Core.Transport.Http;

namespace Guard.Core.Tests.Transport.Http;

public sealed class GuardChannelPathTests
{
    private static readonly string[] Pieces =
    [
        "/", "/", "\\", ".", "..", "/../", "/./", ".guard", "/.guard", ".GUARD", "guard", "g", "uard", ";", ";x", "x", "%2e", "%2E", "%252e",
        "%2f", "%252f", "%5c", "%255C", "%3b", "%253b", "%67", "%2567", "%25", "%", "%2", "%zz", "2e", "65", "%00", "%ff", "%e2%9c%93",
    ];

    /// <summary>The rule as the contract reads, one step after the other.</summary>
    private static bool Oracle(string path)
    {
        var text = DecodeOnce(DecodeOnce(path)).Replace('\\', '/');
        var left = new List<string>();
        foreach (var raw in text.Split('/'))
        {
            var segment = raw.Split(';')[0];
            if (segment == "..")
            {
                left.RemoveRange(Math.Max(0, left.Count - 1), Math.Min(1, left.Count));
            }
            else if (segment is not ("" or "."))
            {
                left.Add(segment);
            }
        }

        return ("/" + string.Join('/', left)).StartsWith("/.guard", StringComparison.OrdinalIgnoreCase);
    }

    // Bytes as Latin-1: the rule is about bytes, and is the same in every encoding.
    private static string DecodeOnce(string text)
    {
        var result = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '%' && i + 2 < text.Length && char.IsAsciiHexDigit(text[i + 1]) && char.IsAsciiHexDigit(text[i + 2]))
            {
                result.Append((char)Convert.ToByte(text.Substring(i + 1, 2), 16));
                i += 2;
            }
            else
            {
                result.Append(text[i]);
            }
        }

        return result.ToString();
    }

    [Theory]
    [InlineData("/.guard")]
    [InlineData("/.guard/actors/x/start")]
    [InlineData("/.guardian")]
    [InlineData("/.GuArD/x")]
    [InlineData("//.guard/x")]
    [InlineData("/./.guard/x")]
    [InlineData("/a/../.guard/x")]
    [InlineData("/../../.guard")]
    [InlineData("/%2eguard/x")]
    [InlineData("/%252Eguard/x")]
    [InlineData("/%%32eguard/x")]
    [InlineData("/%2%65guard/x")]
    [InlineData("/%2fx/..%2f.guard")]
    [InlineData("/.g%75ard")]
    [InlineData("/.g%2575ard")]
    [InlineData("/\\.guard")]
    [InlineData("/%5c.guard")]
    [InlineData("/a\\..\\.guard")]
    [InlineData("/;x/.guard")]
    [InlineData("/.guard;v=1/x")]
    [InlineData("/a/..;x/.guard")]
    [InlineData("/a/..%3bx/.guard")]
    [InlineData("/.;/.guard")]
    [InlineData("/.guard%00")]
    [InlineData("/.guard%3fx")]
    public void IsReserved_AnySpellingOfTheChannel_IsTrue(string path)
    {
        Assert.True(GuardChannelPath.IsReserved(path));
        Assert.True(Oracle(path));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/guard")]
    [InlineData("/x/.guard")]
    [InlineData("/.guar")]
    [InlineData("/.gu/ard")]
    [InlineData("/..guard")]
    [InlineData("/.guard/..")]
    [InlineData("/.guard/../x")]
    [InlineData("/.gu;ard")]
    [InlineData("/%25252eguard")]
    [InlineData("/.%67uar%")]
    [InlineData("/.guar%6")]
    [InlineData("/%c0%aeguard")]
    public void IsReserved_OtherPaths_IsFalse(string path)
    {
        Assert.False(GuardChannelPath.IsReserved(path));
        Assert.False(Oracle(path));
    }

    [Fact]
    public void IsReserved_ArbitraryMixes_AgreesWithTheSlowRule()
        => Gen.Int[0, Pieces.Length - 1].Select(i => Pieces[i])
            .Array[0, 9]
            .Sample(parts => GuardChannelPath.IsReserved(string.Concat(parts)) == Oracle(string.Concat(parts)), iter: 100_000);

    [Theory]
    [InlineData("/a/b", false)]
    [InlineData("/a/../b", false)]
    [InlineData("/a/..%2f../b", true)]
    [InlineData("/../base/.guard/actors", true)]
    [InlineData("/x/../../base/.guard", true)]
    [InlineData("/..;/base/.guard", true)]
    [InlineData("/%252e%252e/base", true)]
    [InlineData("/..\\base", true)]
    [InlineData("/...", false)]
    public void ClimbsOut_Path_WhetherItGoesAboveItsRoot(string path, bool expected)
        => Assert.Equal(expected, GuardChannelPath.ClimbsOut(path));
}
