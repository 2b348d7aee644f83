namespace Guard.Load.Clients;

/// <summary>What a load generator saw. Times in microseconds, from its own closed loop: a slow answer delays the next question.</summary>
internal sealed record LoadResult(long Requests, double Seconds, double P50, double P99, double P999, long Failures)
{
    public double PerSecond => Requests / Seconds;
}
