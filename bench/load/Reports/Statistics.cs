namespace Guard.Load.Reports;

internal static class Statistics
{
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Where(v => !double.IsNaN(v)).Order().ToArray();
        return sorted.Length == 0 ? double.NaN
            : sorted.Length % 2 == 1 ? sorted[sorted.Length / 2]
            : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    /// <param name="sorted">Ascending.</param>
    /// <param name="part">0 to 1.</param>
    public static double Percentile(IReadOnlyList<double> sorted, double part)
        => sorted.Count == 0 ? double.NaN : sorted[Math.Min(sorted.Count - 1, (int)Math.Ceiling(part * sorted.Count) - 1 is var i && i < 0 ? 0 : i)];

    /// <summary>The median of the ratios round by round: what disturbed one round disturbed both sides of it.</summary>
    public static double Ratio(IEnumerable<double> values, IEnumerable<double> baseline)
        => Median(values.Zip(baseline, (a, b) => a / b));
}
