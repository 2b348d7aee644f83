namespace Guard.TestSupport;

/// <summary>The checkout the tests run in.</summary>
internal static class Repository
{
    private static readonly string Root = Find();

    /// <summary>The full path of a file in it, e.g. <c>config/seed.json</c>.</summary>
    public static string PathOf(string file) => Path.Combine(Root, file);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Guard.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("the tests do not run inside the repository");
    }
}
