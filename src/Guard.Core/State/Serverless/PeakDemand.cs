namespace Guard.Core.State.Serverless;

/// <summary>
/// The most connections a pool desired lately, so that one that will be wanted again in a moment is not closed. Remembers for
/// <see cref="Settling"/> to twice that. Not thread-safe.
/// </summary>
internal sealed class PeakDemand(TimeProvider time)
{
    public static readonly TimeSpan Settling = TimeSpan.FromSeconds(10);

    private long _since = time.GetTimestamp();
    private int _before;
    private int _now;

    public int Value
    {
        get
        {
            Roll();
            return Math.Max(_before, _now);
        }
    }

    public void Note(int desired)
    {
        Roll();
        _now = Math.Max(_now, desired);
    }

    private void Roll()
    {
        var elapsed = time.GetElapsedTime(_since);
        if (elapsed >= Settling)
        {
            (_before, _now, _since) = (elapsed >= Settling * 2 ? 0 : _now, 0, time.GetTimestamp());
        }
    }
}
