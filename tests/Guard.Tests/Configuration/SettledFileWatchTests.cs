using Guard.Configuration;
using Guard.TestSupport;

namespace Guard.Tests.Configuration;

/// <summary>Which changes of a file are seen, and when.</summary>
public sealed class SettledFileWatchTests : IDisposable
{
    private static readonly DateTime Noon = new(2026, 1, 1, 12, 0, 0, DateTimeKind.Utc);

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task HasSettledChange_LinkToTheDirectoryMoved_SeesFilesOfTheSameTimeAndLength()
    {
        Write("v1", "one");
        Write("v2", "two");
        File.CreateSymbolicLink(PathOf("..data"), "v1");
        File.CreateSymbolicLink(PathOf("file"), Path.Combine("..data", "file"));
        var watch = new SettledFileWatch(PathOf("file"));

        await _directory.MoveLinkAsync("..data", "v2");

        Assert.Equal([false, true, false], Looks(watch));
    }

    [Fact]
    public void HasSettledChange_FileGoneAndBack_IsSeenBothTimes()
    {
        _directory.Write("file", "one");
        var watch = new SettledFileWatch(PathOf("file"));

        File.Delete(PathOf("file"));
        Assert.Equal([false, true, false], Looks(watch));

        _directory.Write("file", "one");
        Assert.Equal([false, true, false], Looks(watch));
    }

    [Fact]
    public void HasSettledChange_LinksInACircle_CountAsNoFile()
    {
        _directory.Write("file", "one");
        var watch = new SettledFileWatch(PathOf("file"));

        File.Delete(PathOf("file"));
        File.CreateSymbolicLink(PathOf("file"), "other");
        File.CreateSymbolicLink(PathOf("other"), "file");

        Assert.Equal([false, true, false], Looks(watch));
    }

    private static bool[] Looks(SettledFileWatch watch) => [watch.HasSettledChange(), watch.HasSettledChange(), watch.HasSettledChange()];

    private void Write(string version, string text)
    {
        Directory.CreateDirectory(PathOf(version));
        File.SetLastWriteTimeUtc(_directory.Write(Path.Combine(version, "file"), text), Noon);
    }

    private string PathOf(string name) => Path.Combine(_directory.Root, name);
}
