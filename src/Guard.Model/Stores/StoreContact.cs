namespace Guard.Model.Stores;

/// <summary>
/// Whether the store answers. Written by the store's provider, read by those who serve on what they have while it does not. One volatile
/// read; thread-safe. A store within this process always answers.
/// </summary>
internal sealed class StoreContact
{
    private volatile bool _isLost;

    public bool IsUp => !_isLost;

    /// <summary>True when this changed it.</summary>
    public bool Set(bool isUp)
    {
        var changed = _isLost == isUp;
        _isLost = !isUp;
        return changed;
    }
}
