namespace Guard.Load.Moves;

/// <summary>
/// The places an actor has left, as numbers that only rise (generations, or the numbers of its runner's addresses), each with when the
/// store had said so. Thread-safe.
/// </summary>
internal sealed class PlaceHistory
{
    private readonly List<(long Place, long At)> _left = [];

    /// <summary>It has left this place, and with it all before.</summary>
    public void Left(long place)
    {
        lock (_left)
        {
            _left.Add((place, TimeProvider.System.GetTimestamp()));
        }
    }

    /// <summary>How long a place had been left at that time; zero when it had not.</summary>
    public TimeSpan LeftFor(long place, long at)
    {
        lock (_left)
        {
            // The first that is no older.
            var (low, high) = (0, _left.Count);
            while (low < high)
            {
                var middle = (low + high) / 2;
                (low, high) = _left[middle].Place >= place ? (low, middle) : (middle + 1, high);
            }

            return low < _left.Count && _left[low].At < at ? TimeProvider.System.GetElapsedTime(_left[low].At, at) : TimeSpan.Zero;
        }
    }
}
