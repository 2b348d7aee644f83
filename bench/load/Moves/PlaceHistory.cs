namespace Guard.Load.Moves;

/// <summary>
/// The places an actor has left, as numbers that only rise (generations, or the numbers of its runner's addresses), each with when the
/// store had said so. Thread-safe.
/// </summary>
internal sealed class PlaceHistory
{
    private readonly List<(long Place, long At)> _left = [];

    /// <summary>Where it is, as far as the mover knows.</summary>
    public long Current { get; private set; }

    public void Left(long place)
    {
        lock (_left)
        {
            _left.Add((place, TimeProvider.System.GetTimestamp()));
        }
    }

    public void Reached(long place)
    {
        lock (_left)
        {
            Current = place;
        }
    }

    /// <summary>How long a place had been left at that time; zero when it had not.</summary>
    public TimeSpan LeftFor(long place, long at)
    {
        lock (_left)
        {
            // The first that was left and is no older: whoever is in a later one has left the earlier ones too.
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
