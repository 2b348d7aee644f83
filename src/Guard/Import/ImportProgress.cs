using System.Globalization;

namespace Guard.Import;

/// <summary>Shows an import to whoever runs it: a bar that is drawn over on a terminal, a line every few seconds otherwise; bad lines as
/// they come. Used by one thread.</summary>
/// <param name="output">The standard error.</param>
/// <param name="isTerminal">It can draw over.</param>
/// <param name="length">Bytes of the input; null when nobody knows.</param>
/// <param name="startedAt">Bytes that were done with before.</param>
/// <param name="time">The clock of intervals and estimates.</param>
internal sealed class ImportProgress(TextWriter output, bool isTerminal, long? length, long startedAt, TimeProvider time)
{
    private const int Width = 30;
    private static readonly TimeSpan BarInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(5);

    private readonly long _since = time.GetTimestamp();
    private long _shown = time.GetTimestamp();
    private bool _isBarShown;

    public void Say(string line)
    {
        if (_isBarShown)
        {
            output.Write("\r\u001b[K");
            _isBarShown = false;
        }

        output.WriteLine(line);
    }

    public void Show(ImportTotals totals, long end)
    {
        if (time.GetElapsedTime(_shown) < (isTerminal ? BarInterval : LineInterval))
        {
            return;
        }

        _shown = time.GetTimestamp();
        var counts = string.Create(
            CultureInfo.InvariantCulture, $"{totals.Lines} lines: {totals.Created} created, {totals.Existed} existed already, {totals.Bad} bad");
        var part = length is null ? (double?)null : length == 0 ? 1 : Math.Min(1, (double)end / length.Value);
        var text = part is null ? counts : string.Create(CultureInfo.InvariantCulture, $"{part:0.0%}, {counts}{Left(end)}");
        if (!isTerminal)
        {
            output.WriteLine(text);
            return;
        }

        var full = (int)((part ?? 0) * Width);
        var bar = part is null ? "" : $"[{new string('#', full)}{new string('.', Width - full)}] ";
        output.Write($"\r{bar}{text}\u001b[K");
        _isBarShown = true;
    }

    private string Left(long end)
    {
        var perSecond = (end - startedAt) / Math.Max(0.001, time.GetElapsedTime(_since).TotalSeconds);
        return perSecond <= 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {(length - end) / perSecond:0} s left");
    }
}
