using Microsoft.Extensions.Configuration.Json;

namespace Guard.Configuration;

/// <summary>
/// Tells when one of some files has changed, and has been left alone since: an editor or a copy writes in several steps.
/// Looks at time, length and link target instead of waiting for events, because a mounted Kubernetes volume changes without one. Not
/// thread-safe: one poller.
/// </summary>
internal sealed class SettledFileWatch
{
    private readonly string[] _paths;
    private FileStamp[] _accepted;
    private FileStamp[] _last;

    /// <param name="paths">Need not exist. What they hold now counts as known.</param>
    public SettledFileWatch(params string[] paths)
    {
        _paths = paths;
        _accepted = _last = Read();
    }

    /// <summary>Two looks until a change counts as settled: half of what taking it over may take.</summary>
    public static TimeSpan PollInterval { get; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The JSON files of a configuration.</summary>
    public static SettledFileWatch Of(IConfigurationBuilder configuration)
        => new([.. configuration.Sources.OfType<JsonConfigurationSource>().Select(PathOf).OfType<string>()]);

    /// <summary>True once per change, at the first poll that finds the files as the poll before did.</summary>
    public bool HasSettledChange()
    {
        var now = Read();
        var settled = now.AsSpan().SequenceEqual(_last);
        _last = now;
        if (!settled || now.AsSpan().SequenceEqual(_accepted))
        {
            return false;
        }

        _accepted = now;
        return true;
    }

    private static string? PathOf(JsonConfigurationSource source)
        => source.FileProvider is Microsoft.Extensions.FileProviders.PhysicalFileProvider provider && source.Path is { } path
            ? Path.Combine(provider.Root, path)
            : null;

    private FileStamp[] Read() => Array.ConvertAll(_paths, FileStamp.Of);

    /// <summary>What tells one version of a file from the next; default when there is no file. The path counts with every link in it
    /// followed: a mounted volume moves a link to a directory, and the file behind it may have the same time and length.</summary>
    private readonly record struct FileStamp(string? RealPath, long Ticks, long Length)
    {
        /// <summary>As the system itself follows at most.</summary>
        private const int MaxLinks = 40;

        public static FileStamp Of(string path)
        {
            try
            {
                if (!File.Exists(path))
                {
                    // Optional files mostly are not there; asking for their target would throw, twice a second for ever.
                    return default;
                }

                var links = 0;
                var file = new FileInfo(Follow(Path.GetFullPath(path), ref links));
                return file.Exists ? new FileStamp(file.FullName, file.LastWriteTimeUtc.Ticks, file.Length) : default;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Between two steps of a replacement the file may be gone: the next poll sees it again.
                return default;
            }
        }

        private static string Follow(string path, ref int links)
        {
            if (Path.GetDirectoryName(path) is not { } directory)
            {
                return path;
            }

            var here = Path.Combine(Follow(directory, ref links), Path.GetFileName(path));
            if (File.ResolveLinkTarget(here, returnFinalTarget: false) is not { } target)
            {
                return here;
            }

            return ++links <= MaxLinks ? Follow(target.FullName, ref links) : throw new IOException($"too many links in '{path}'");
        }
    }
}
