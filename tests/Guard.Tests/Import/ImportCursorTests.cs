using Guard.Import;

namespace Guard.Tests.Import;

public sealed class ImportCursorTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("guard-cursor-");

    private string Path => System.IO.Path.Combine(_directory.FullName, "a.cursor");

    public void Dispose() => _directory.Delete(recursive: true);

    private async Task<string> FingerprintAsync(string content, string destination = "d")
    {
        var file = System.IO.Path.Combine(_directory.FullName, "a");
        if (!File.Exists(file) || await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken) != content)
        {
            await File.WriteAllTextAsync(file, content, TestContext.Current.CancellationToken);
        }

        await using var stream = File.OpenRead(file);
        var fingerprint = await ImportCursor.FingerprintAsync(stream, destination, TestContext.Current.CancellationToken);
        Assert.Equal(0, stream.Position);
        return fingerprint;
    }

    [Fact]
    public void SaveAndLoad_SameImport_ComesBackAndLeavesNothingElse()
    {
        var cursor = new ImportCursor("x", 100, new(3, 1, 1, 1));
        cursor.Save(Path);
        cursor.Save(Path);

        Assert.Equal(cursor, ImportCursor.Load(Path, "x"));
        Assert.Null(ImportCursor.Load(Path, "y"));
        Assert.Equal("a.cursor", Assert.Single(_directory.GetFiles()).Name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("""{"of":"x","offset":-1,"totals":{"lines":1,"created":1,"existed":0,"bad":0}}""")]
    [InlineData("""{"of":"x","offset":1}""")]
    [InlineData("null")]
    public void Load_NoCursor_Null(string content)
    {
        File.WriteAllText(Path, content);

        Assert.Null(ImportCursor.Load(Path, "x"));
    }

    [Fact]
    public void Load_NoFile_Null() => Assert.Null(ImportCursor.Load(Path, "x"));

    [Fact]
    public async Task FingerprintAsync_AnythingDiffers_Differs()
    {
        var first = await FingerprintAsync("abc");
        Assert.Equal(first, await FingerprintAsync("abc"));

        Assert.NotEqual(first, await FingerprintAsync("abc", "e"));
        Assert.NotEqual(first, await FingerprintAsync("abd"));
        Assert.NotEqual(first, await FingerprintAsync("abcd"));
    }
}
