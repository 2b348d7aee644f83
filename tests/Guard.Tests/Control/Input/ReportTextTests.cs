using System.Text;
using System.Text.Json;
using CsCheck;
using Guard.Control.Input;

namespace Guard.Tests.Control.Input;

public sealed class ReportTextTests
{
    [Theory]
    [InlineData("""["a\u0000b"]""", "a\ufffdb")]
    [InlineData("""["cut \ud83d"]""", "cut \ufffd")]
    [InlineData("""["\ude00\ud83d\ud83d\ude00"]""", "\ufffd\ufffd\U0001F600")]
    [InlineData("""["\\u0000 \\\u0000 \"\uD83D\n"]""", "\\u0000 \\\ufffd \"\ufffd\n")]
    [InlineData("""["\u0007\u00e9é"]""", "\u0007éé")]
    public void Repair_Escapes_OnlyWhatIsNoCharacterIsReplaced(string json, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(json);

        ReportText.Repair(bytes);

        Assert.Equal(text, JsonElement.Parse(bytes)[0].GetString());
    }

    [Fact]
    public void Repair_AnyBytes_NoTextIsRefusedAndAgainChangesNothing()
    {
        string[] tokens = ["\"", "\\", "\\u", "\\ud83d", "\\ude00", "\\u0000", "d8", "00", "a", "\\\\", "[", "]"];
        Gen.Int[0, tokens.Length - 1].Select(i => tokens[i]).List[0, 30].Sample(
            parts =>
            {
                var bytes = Encoding.UTF8.GetBytes(string.Concat(parts));
                ReportText.Repair(bytes);
                var once = bytes.ToArray();
                ReportText.Repair(bytes);
                var errors = new InputErrors();
                JsonText.Check(bytes, errors);
                return once.SequenceEqual(bytes) && errors.First?.Metadata?.Detail?.Contains("surrogate", StringComparison.Ordinal) is not true;
            },
            iter: 20_000);
    }
}
