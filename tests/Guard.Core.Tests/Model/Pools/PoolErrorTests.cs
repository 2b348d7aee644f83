using System.Text;
using CsCheck;
using Guard.Model.Pools;
using Guard.Model.Text;

namespace Guard.Core.Tests.Model.Pools;

public class PoolErrorTests
{
    [Theory]
    [InlineData("abc", 3, "abc")]
    [InlineData("abcd", 3, "abc")]
    [InlineData("abc", 0, "")]
    [InlineData("", 0, "")]
    [InlineData("aé", 2, "a")]
    [InlineData("aé", 3, "aé")]
    [InlineData("€€", 5, "€")]
    [InlineData("€€", 6, "€€")]
    [InlineData("a😀b", 4, "a")]
    [InlineData("a😀b", 5, "a😀")]
    public void Truncate_Message_IsCutBetweenCharacters(string message, int maxBytes, string expected)
        => Assert.Equal(expected, new PoolError(PoolErrorKind.ServerlessConnectionError, Message: message).Truncate(maxBytes).Message);

    [Fact]
    public void Truncate_LoneSurrogates_CountAsWhatTheyAreWrittenAs()
    {
        Assert.Equal("\ud800", Utf8Prefix.Of("\ud800\ud800", 5));
        Assert.Equal("", Utf8Prefix.Of("\ud800", 2));
    }

    [Fact]
    public void Truncate_BothFit_IsTheSameInstance()
    {
        var error = new PoolError(PoolErrorKind.ServerlessInvalidSsePayload, Message: new string('é', 256), RawPayload: "x");

        Assert.Same(error, error.Truncate(512));
    }

    [Fact]
    public void Truncate_MessageAndPayload_AreCutEach()
    {
        var error = new PoolError(PoolErrorKind.ServerlessInvalidSsePayload, Message: "ab", RawPayload: "cd").Truncate(1);

        Assert.Equal("a", error.Message);
        Assert.Equal("c", error.RawPayload);
    }

    [Fact]
    public void Truncate_NothingToCut_IsTheSameInstance()
    {
        var error = new PoolError(PoolErrorKind.Downgrade);

        Assert.Same(error, error.Truncate(0));
    }

    [Fact]
    public void Utf8Prefix_AnyText_IsTheLongestPrefixThatFits() => Gen.Select(Gen.String, Gen.Int[0, 40]).Sample((text, maxBytes) =>
    {
        var prefix = Utf8Prefix.Of(text, maxBytes);

        Assert.StartsWith(prefix, text, StringComparison.Ordinal);
        Assert.True(Encoding.UTF8.GetByteCount(prefix) <= maxBytes);
        if (prefix.Length < text.Length)
        {
            var pair = char.IsHighSurrogate(text[prefix.Length]) && prefix.Length + 1 < text.Length && char.IsLowSurrogate(text[prefix.Length + 1]);
            Assert.True(Encoding.UTF8.GetByteCount(text.AsSpan(0, prefix.Length + (pair ? 2 : 1))) > maxBytes);
        }
    });
}
