using System.Globalization;
using System.Text;
using Guard.Tests.Support;

namespace Guard.FailFast;

/// <summary>The outcomes as Markdown.</summary>
internal static class FaultTable
{
    public static string Format(IEnumerable<FaultOutcome> outcomes, PeerTimings peer)
    {
        var table = new StringBuilder();
        table.AppendLine("| what is broken | Rivet, first request | Guard, first request | pool error | of the next ten: the probe | the others | served after the repair | green |");
        table.AppendLine("|---|---|---|---|---|---|---|---|");
        foreach (var outcome in outcomes)
        {
            var (probe, others) = Split(outcome.Next);
            table.AppendLine(CultureInfo.InvariantCulture,
                $"| {outcome.Fault.Name} | {peer.Of(outcome.Fault.Peer)} | {Answer(outcome.First)} | {outcome.First.PoolError ?? "none"} | {probe} | {others} | {Time(outcome.ServedAfter)} | {Time(outcome.GreenAfter)} |");
        }

        return table.ToString();
    }

    /// <summary>One request per probe interval goes through to a red pool: it is the one that took long.</summary>
    private static (string Probe, string Others) Split(IReadOnlyList<FaultAnswer> next)
    {
        var byTime = next.OrderBy(a => a.Took).ToArray();
        var hasProbe = byTime[^1].Status != 200 && byTime[^1].Took > TimeSpan.FromMilliseconds(500);
        var others = hasProbe ? byTime[..^1] : byTime;
        var kinds = others.GroupBy(a => (a.Status, a.Code)).Select(g => string.Create(
            CultureInfo.InvariantCulture, $"{g.Count()} × {Name(g.First())} within {g.Max(a => a.Took.TotalMilliseconds):N0} ms"));
        return (hasProbe ? Answer(byTime[^1]) : "–", string.Join("; ", kinds));
    }

    private static string Answer(FaultAnswer answer)
        => string.Create(CultureInfo.InvariantCulture, $"{answer.Took.TotalMilliseconds:N0} ms: {Name(answer)}");

    private static string Name(FaultAnswer answer) => answer.Code.Length == 0 ? $"{answer.Status}" : $"{answer.Status} {answer.Code}";

    private static string Time(TimeSpan? time)
        => time is { } t ? string.Create(CultureInfo.InvariantCulture, $"{t.TotalSeconds:0.0} s") : "always";
}
