namespace Guard.Load.Processes;

/// <summary>Where this repository's own programs are once they are built.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>Published, so compiled ahead, as in the image.</summary>
    public static string[] Guard => ["dotnet", Built("artifacts/jit/guard.dll", "dotnet publish src/Guard -c Release -o artifacts/jit")];

    /// <summary>The native binary; null when nobody has published it.</summary>
    public static string[]? NativeGuard => File.Exists(NativePath) ? [NativePath] : null;

    public static string[] Baseline => ["dotnet", Built("artifacts/bin/Guard.Baseline/release/Guard.Baseline.dll", "dotnet build -c Release bench/Baseline")];

    private static string NativePath => Path.Combine(Root, "artifacts/aot/guard");

    private static string Built(string path, string how)
    {
        var full = Path.Combine(Root, path);
        return File.Exists(full) ? full : throw new LoadException($"{path} is missing: {how}");
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Guard.sln")))
            {
                return folder.FullName;
            }
        }

        throw new LoadException("this program runs from inside the repository it was built in");
    }
}
