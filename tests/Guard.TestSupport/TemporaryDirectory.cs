namespace Guard.TestSupport;

/// <summary>A directory of one test.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("guard-tests-").FullName;

    /// <summary>Writes a file and returns its full path.</summary>
    public string Write(string name, string text)
    {
        var path = Path.Combine(Root, name);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Makes a link point elsewhere by one rename, as Kubernetes does with the directories of mounted volumes.</summary>
    public async Task MoveLinkAsync(string link, string target)
    {
        var next = Path.Combine(Root, "..next");
        File.CreateSymbolicLink(next, target);
        using var rename = System.Diagnostics.Process.Start("mv", ["-T", next, Path.Combine(Root, link)]);
        await rename.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
