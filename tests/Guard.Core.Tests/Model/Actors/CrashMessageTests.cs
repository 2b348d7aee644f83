using System.Text;
using CsCheck;
using Guard.Model.Actors;

namespace Guard.Core.Tests.Model.Actors;

public sealed class CrashMessageTests
{
    [Theory]
    [InlineData(null, "")]
    [InlineData("", "")]
    [InlineData("plain text", "plain text")]
    [InlineData("a\r\nb\tc\0d\u001be\u007ff\u0085g", "abcdefg")]
    [InlineData("\n\n", "")]
    [InlineData("caf\u00e9 \U0001F600", "caf\u00e9 \U0001F600")]
    public void Clean_Text_WithoutControlCharacters(string? message, string expected) => Assert.Equal(expected, CrashMessage.Clean(message));

    [Fact]
    public void Clean_LoneSurrogates_Replaced()
        => Assert.Equal("a\ufffdb\ufffd", CrashMessage.Clean("a" + (char)0xD800 + "b" + (char)0xDC00));

    [Theory]
    [InlineData(1, 512)]
    [InlineData(2, 512)]
    [InlineData(3, 510)]
    [InlineData(4, 512)]
    public void Clean_TooLong_CutBetweenCharacters(int bytesPerCharacter, int expectedBytes)
    {
        var character = new[] { "a", "é", "€", "😀" }[bytesPerCharacter - 1];

        var cleaned = CrashMessage.Clean(string.Concat(Enumerable.Repeat(character, 600)));

        Assert.Equal(string.Concat(Enumerable.Repeat(character, expectedBytes / bytesPerCharacter)), cleaned);
    }

    [Fact]
    public void Clean_Anything_ShortCleanValidAndTheSameAgain()
        => Gen.Char.Array[0, 800].Select(c => new string(c)).Sample(message =>
        {
            var cleaned = CrashMessage.Clean(message);
            var strict = new UTF8Encoding(false, throwOnInvalidBytes: true);
            return strict.GetBytes(cleaned).Length <= CrashMessage.MaxBytes
                && !cleaned.Any(char.IsControl)
                && CrashMessage.Clean(cleaned) == cleaned;
        });
}
