using System.Globalization;
using System.Text;

namespace Guard.Load.Reports;

/// <summary>A Markdown report: what ran where, then tables. Written to the console as it grows, and to a file at the end.</summary>
internal sealed class Report
{
    private readonly StringBuilder _text = new();

    /// <param name="title">A heading.</param>
    /// <param name="command">What was typed after <c>bench/load/run</c>.</param>
    /// <param name="limits">The limits the command raises.</param>
    public Report(string title, string command, string limits)
    {
        Line($"### {title}");
        Line();
        Line($"`bench/load/run {command}`");
        Line();
        foreach (var line in Machine.Describe())
        {
            Line($"- {line}");
        }

        Line($"- {limits}");
        Line();
    }

    public void Line(string line = "")
    {
        _text.Append(line).Append('\n');
        Console.WriteLine(line);
    }

    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        Line($"| {string.Join(" | ", columns)} |");
        Line($"|{string.Concat(columns.Select((_, i) => i == 0 ? "---|" : "---:|"))}");
        foreach (var row in rows)
        {
            Line($"| {string.Join(" | ", row)} |");
        }

        Line();
    }

    /// <param name="path">Null: only the console has it.</param>
    public void Save(string? path)
    {
        if (path is not null)
        {
            File.AppendAllText(path, _text.ToString());
        }
    }

    public static string Number(double value, string format = "0.0") => value.ToString(format, CultureInfo.InvariantCulture);

    public static string Ratio(double value) => double.IsNaN(value) ? "" : value.ToString("0.00", CultureInfo.InvariantCulture);

    public static string Time(double microseconds) => microseconds switch
    {
        < 1_000 => $"{Number(microseconds, "0")} µs",
        < 100_000 => $"{Number(microseconds / 1_000, "0.0")} ms",
        _ => $"{Number(microseconds / 1_000, "0")} ms",
    };

    public static string KiB(double bytes) => $"{Number(bytes / 1024)} KiB";

    public static string MiB(double bytes) => $"{Number(bytes / 1024 / 1024)} MiB";
}
