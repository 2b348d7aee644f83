using System.Text;
using CsCheck;
using Guard.Control.Input;

namespace Guard.Tests.Control.Input;

public sealed class JsonTextTests
{
    [Theory]
    [InlineData("""{"a":[{"b":1},{"b":{"c":1,"c":2}}]}""", "a[1].b.c")]
    [InlineData("""{"a":[[],[1,"\u0000"]]}""", "a[1][1]")]
    [InlineData("""{"a":{},"b":{"a":"\udc00"}}""", "b.a")]
    [InlineData("""[{"x":0},{"x":0,"x":0}]""", "[1].x")]
    [InlineData("""{"a":{"\ud800":1}}""", "a")]
    public void Check_BadText_GivesItsPath(string json, string path)
    {
        var errors = new InputErrors();

        Assert.False(JsonText.Check(Encoding.UTF8.GetBytes(json), errors));
        Assert.Equal(path, errors.First!.Metadata!.Name);
    }

    [Fact]
    public void Check_NotJson_TellsWhere()
    {
        var errors = new InputErrors();

        Assert.False(JsonText.Check("{\n\"a\":x}"u8, errors));
        Assert.StartsWith("not valid JSON at line 2, byte 5", errors.First!.Metadata!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_SixteenLevels_IsTheMost()
    {
        var deepest = JsonText.Check(Encoding.UTF8.GetBytes(new string('[', 16) + new string(']', 16)), new InputErrors());
        var errors = new InputErrors();

        Assert.True(deepest);
        Assert.False(JsonText.Check(Encoding.UTF8.GetBytes(new string('[', 17) + new string(']', 17)), errors));
        Assert.NotNull(errors.First);
    }

    [Fact]
    public void Check_LongNames_AreCutInTheReply()
    {
        var errors = new InputErrors();
        var name = new string('n', 5000);

        JsonText.Check(Encoding.UTF8.GetBytes($$"""{"{{name}}":1,"{{name}}":2}"""), errors);

        Assert.Equal(200, errors.First!.Metadata!.Name!.Length);
    }

    [Fact]
    public void Check_AnyBytes_NeverThrows()
    {
        string[] tokens = ["{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "d800", "\"a\"", "1", "null", " "];
        var part = Gen.Int[0, 255].Select(i => i < 200 ? Encoding.UTF8.GetBytes(tokens[i % tokens.Length]) : [(byte)i]);
        part.List[0, 40].Sample(
            parts =>
            {
                var errors = new InputErrors();
                return JsonText.Check(parts.SelectMany(p => p).ToArray(), errors) == errors.First is null;
            },
            iter: 20_000);
    }
}
