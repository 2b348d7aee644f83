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

    /// <summary>What tells one version of a file from the next; default when there is no file.</summary>
    private readonly record struct FileStamp(string? Target, long Ticks, long Length)
    {
        public static FileStamp Of(string path)
        {
            try
            {
                var file = new FileInfo(path);
                if (!file.Exists)
                {
                    // Optional files mostly are not there; asking for their target would throw, twice a second for ever.
                    return default;
                }

                var target = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
                return target.Exists ? new FileStamp(target.FullName, target.LastWriteTimeUtc.Ticks, target.Length) : default;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Between two steps of a replacement the file may be gone: the next poll sees it again.
                return default;
            }
        }
    }
}
