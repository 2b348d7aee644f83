namespace Guard.Core.State.Serverless;

/// <summary>What is to be made of the version an endpoint announced.</summary>
internal enum Announcement
{
    Nothing,

    /// <summary>Runners of a lower version are to be replaced.</summary>
    Upgrade,

    /// <summary>Lower than the runners that live: nothing is done.</summary>
    Lower,
}

/// <summary>
/// The version that a pool's endpoint says new runners have (<c>GET {url}/metadata</c>), as far as it is believed: when connects begun later
/// come with a lower one all the same, it is not, until another version is announced. Not thread-safe.
/// </summary>
internal sealed class AnnouncedVersion(TimeProvider time)
{
    private int? _announced;
    private long _announcedAt;
    private bool _isDoubted;

    /// <summary>Null when nothing is announced that is believed.</summary>
    public int? Believed => _isDoubted ? null : _announced;

    /// <summary>Notes what was read.</summary>
    /// <param name="version">The version announced.</param>
    /// <param name="highest">The highest of the runners that live; null when there are none.</param>
    /// <returns>Not nothing exactly when it is news.</returns>
    public Announcement Read(int version, int? highest)
    {
        if (version == _announced)
        {
            return Announcement.Nothing;
        }

        (_announced, _announcedAt, _isDoubted) = (version, time.GetTimestamp(), false);
        return version > highest ? Announcement.Upgrade : version < highest ? Announcement.Lower : Announcement.Nothing;
    }

    /// <summary>A runner connected. True when that shakes what is believed.</summary>
    /// <param name="version">Its version.</param>
    /// <param name="begun">When its connect was begun, a timestamp of the provider.</param>
    public bool Connected(int version, long begun)
    {
        if (_isDoubted || version >= _announced || _announced is null || begun < _announcedAt)
        {
            return false;
        }

        return _isDoubted = true;
    }
}
