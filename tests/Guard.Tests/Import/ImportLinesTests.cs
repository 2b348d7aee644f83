using System.IO.Pipelines;
using System.Text;
using Guard.Import;

namespace Guard.Tests.Import;

public sealed class ImportLinesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task<List<ImportLine>> ReadAsync(byte[] input)
    {
        // Small pieces: what is found must not depend on where the input is cut.
        var lines = new ImportLines(PipeReader.Create(new MemoryStream(input), new StreamPipeReaderOptions(bufferSize: 16, minimumReadSize: 1)), 0, 0);
        var all = new List<ImportLine>();
        while (await lines.NextAsync(Token) is { } line)
        {
            all.Add(line);
        }

        return all;
    }

    private static string? Text(ImportLine line) => line.Text is null ? null : Encoding.UTF8.GetString(line.Text);

    [Theory]
    [InlineData("", new string[0])]
    [InlineData("a", new[] { "a" })]
    [InlineData("a\n", new[] { "a" })]
    [InlineData("a\r\nb\n\nc", new[] { "a", "b", "", "c" })]
    [InlineData("\ufeffa\n\ufeffb\n", new[] { "a", "\ufeffb" })]
    [InlineData("\n\r\n", new[] { "", "" })]
    [InlineData(" a b \t\r\n \t \n\r", new[] { "a b", "", "" })]
    [InlineData("\ufeff", new[] { "" })]
    public async Task NextAsync_Ends_EachLineWithoutItsEnd(string input, string[] expected)
    {
        var bytes = Encoding.UTF8.GetBytes(input);

        var lines = await ReadAsync(bytes);

        Assert.Equal(expected, lines.Select(Text));
        Assert.Equal(Enumerable.Range(1, expected.Length).Select(i => (long)i), lines.Select(l => l.Number));
        Assert.Equal(bytes.Length, lines.Count == 0 ? 0 : lines[^1].End);
    }

    [Fact]
    public async Task NextAsync_LineOf10MB_SkippedAndTheNextIsRead()
    {
        var input = Encoding.UTF8.GetBytes($"a\n{new string('x', 10 << 20)}\nb\n{new string('y', ImportLines.MaxBytes)}\n");

        var lines = new List<ImportLine>();
        var reader = new ImportLines(PipeReader.Create(new MemoryStream(input)), 0, 0);
        while (await reader.NextAsync(Token) is { } line)
        {
            lines.Add(line);
        }

        Assert.Equal(["a", null, "b", new string('y', ImportLines.MaxBytes)], lines.Select(Text));
        Assert.Equal(input.Length, lines[^1].End);
    }

    [Fact]
    public async Task NextAsync_TooLongAndCutOff_StillCounted()
    {
        var reader = new ImportLines(PipeReader.Create(new MemoryStream(new byte[(2 << 20) + 1])), 7, 100);

        var line = (await reader.NextAsync(Token))!.Value;

        Assert.Equal((8, null, 100 + (2 << 20) + 1), (line.Number, line.Text, line.End));
        Assert.Null(await reader.NextAsync(Token));
    }
}
