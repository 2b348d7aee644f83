using System.Text;
using CsCheck;
using Guard.Model.Ids;
using Guard.Model.Text;

namespace Guard.Core.Tests.Model.Ids;

public sealed class ActorKeyTests
{
    private static readonly Gen<string[]> Lists = Gen.String[Gen.Char["ab0/\\, é漢"], 0, 6].Array[0, 8];

    private static string Serialize(params string[] parts)
    {
        Assert.True(ActorKey.TrySerialize(parts, out var key));
        return key;
    }

    private static string FromQuery(string encoded)
    {
        Assert.Equal(DecodeResult.Ok, ActorKey.SerializeQueryValue(encoded, stackalloc char[ActorKey.MaxBytes], out var key));
        return key.ToString();
    }

    [Fact]
    public void TrySerialize_Lists_FollowTheEscapeRules()
    {
        Assert.Equal("/", Serialize());
        Assert.Equal("test", Serialize("test"));
        Assert.Equal("a/b/c", Serialize("a", "b", "c"));
        Assert.Equal(@"a\/b", Serialize("a/b"));
        Assert.Equal(@"a\\b", Serialize(@"a\b"));
        Assert.Equal(@"\/", Serialize("/"));
        Assert.Equal(@"\0", Serialize(""));
        Assert.Equal(@"\0/\0", Serialize("", ""));
        Assert.Equal(@"\\0", Serialize(@"\0"));
        Assert.Equal(@"a\/b/\0/c\/d", Serialize("a/b", "", "c/d"));
    }

    [Fact]
    public void TryParse_WhatWasSerialised_GivesTheParts()
        => Lists.Sample(parts => ActorKey.TryParse(Serialize(parts), out var again) && again.SequenceEqual(parts));

    [Fact]
    public void TryParse_ArbitraryText_IsTheInverseOrRefused()
        => Gen.String[Gen.Char["a0/\\"], 0, 8].Sample(key => !ActorKey.TryParse(key, out var parts) || Serialize([.. parts]) == key);

    [Theory]
    [InlineData("")]
    [InlineData("a/")]
    [InlineData("/a")]
    [InlineData("a//b")]
    [InlineData("//")]
    [InlineData(@"a\")]
    [InlineData(@"\")]
    [InlineData(@"\x")]
    [InlineData(@"a\0")]
    [InlineData(@"\0a")]
    public void TryParse_NoSerialisation_IsRefused(string key)
    {
        Assert.False(ActorKey.TryParse(key, out var parts));
        Assert.Empty(parts);
    }

    [Fact]
    public void TrySerialize_ByteLimit_CountsUtf8AndEscapes()
    {
        Assert.Equal(1024, Encoding.UTF8.GetByteCount(Serialize(new string('é', 512))));
        Assert.False(ActorKey.TrySerialize([new string('é', 512) + "a"], out _));
        Assert.Equal(1024, Serialize(new string('/', 512)).Length);
        Assert.False(ActorKey.TrySerialize([new string('/', 513)], out _));
        Assert.Equal(1024, Serialize(new string('a', 1022), "b").Length);
        Assert.False(ActorKey.TrySerialize([new string('a', 1022), ""], out _));
        Assert.False(ActorKey.TrySerialize([new string('a', 1024), "b"], out _));
        Assert.True(ActorKey.TryParse(Serialize(new string('a', 1024)), out _));
        Assert.False(ActorKey.TryParse(new string('a', 1025), out _));
    }

    [Fact]
    public void TrySerialize_LoneSurrogate_IsRefused()
    {
        Assert.False(ActorKey.TrySerialize(["\uDC00"], out _));
        Assert.False(ActorKey.TryParse("a\uD800", out _));
    }

    [Theory]
    [InlineData("", "/")]
    [InlineData("a", "a")]
    [InlineData("a,b", "a/b")]
    [InlineData("a%2Cb", "a/b")]
    [InlineData(",", @"\0/\0")]
    [InlineData("a,", @"a/\0")]
    [InlineData("a%2fb,c", @"a\/b/c")]
    [InlineData("a%5cb", @"a\\b")]
    [InlineData("a+b%2Bc", "a b+c")]
    [InlineData("%E2%9C%93", "✓")]
    [InlineData("%F0%9F%92%A5", "💥")]
    [InlineData("%00", "\0")]
    public void SerializeQueryValue_Values_AreDecodedThenSplit(string encoded, string key) => Assert.Equal(key, FromQuery(encoded));

    [Fact]
    public void SerializeQueryValue_EncodedList_EqualsItsSerialisation()
        => Gen.String[Gen.Char["ab0/\\ é漢+&%"], 0, 6].Array[1, 8].Where(parts => parts is not [""]).Sample(parts =>
            FromQuery(string.Join(',', parts.Select(Uri.EscapeDataString))) == Serialize(parts));

    [Theory]
    [InlineData("%")]
    [InlineData("%4")]
    [InlineData("a%zz")]
    [InlineData("%ff")]
    [InlineData("%c0%ae")]
    [InlineData("%ed%a0%80")]
    [InlineData("%E2%9C")]
    [InlineData("%E2%9Cx")]
    public void SerializeQueryValue_NotUtf8_IsMalformed(string encoded)
        => Assert.Equal(DecodeResult.Malformed, ActorKey.SerializeQueryValue(encoded, new char[ActorKey.MaxBytes], out _));

    [Fact]
    public void SerializeQueryValue_Over1024Bytes_IsTooLong()
    {
        Assert.Equal(1024, FromQuery(new string('a', 1024)).Length);
        Assert.Equal(DecodeResult.TooLong, ActorKey.SerializeQueryValue(new string('a', 1025), new char[ActorKey.MaxBytes], out _));
        Assert.Equal(DecodeResult.TooLong, ActorKey.SerializeQueryValue(new string(',', 1024), new char[ActorKey.MaxBytes], out _));
    }

    [Theory]
    [InlineData("a/b", "a/b")]
    [InlineData(@"a\/b", @"a\/b")]
    [InlineData("a b%", "a%20b%25")]
    [InlineData("é\r\n", "%C3%A9%0D%0A")]
    public void ToHeaderValue_Keys_AreVisibleAscii(string key, string header) => Assert.Equal(header, ActorKey.ToHeaderValue(key));
}
