using Guard.Configuration;

namespace Guard.Tls;

/// <summary>A certificate, or set of them, of which the files are watched. Not thread-safe: one poller.</summary>
/// <param name="label">In metrics: its number, or what it is for.</param>
/// <param name="key">The option that names it.</param>
/// <param name="paths">Its files.</param>
/// <param name="load">Reads them and puts what they hold to use; returns when that expires. Throws what
/// <see cref="PemCertificate.IsBadFile"/> knows, and has then changed nothing.</param>
internal sealed class WatchedCertificate(string label, string key, string[] paths, Func<DateTimeOffset> load)
{
    // Made before the first load, so that no change falls between the two.
    private readonly SettledFileWatch _files = new(paths);

    public string Label => label;

    public string Key => key;

    /// <summary>Of what is in use.</summary>
    public DateTimeOffset Expiry { get; private set; }

    /// <summary>Why the files cannot be used; null when they are in use.</summary>
    public string? Problem { get; private set; }

    /// <summary>
    /// Whether to <see cref="TryLoad"/>: after a change, and again and again while the files cannot be used. A certificate and its key
    /// are two files, and whoever renews them may be between the two.
    /// </summary>
    public bool IsDue() => _files.HasSettledChange() || Problem is not null;

    /// <summary>Puts the files to use. False when they cannot be used: what was in use stays.</summary>
    public bool TryLoad()
    {
        try
        {
            Expiry = load();
            Problem = null;
            return true;
        }
        catch (Exception e) when (PemCertificate.IsBadFile(e))
        {
            Problem = ConfigurationLayers.DescribeReadFailure(e);
            return false;
        }
    }
}
