using System.Globalization;

namespace Guard.Import;

/// <summary>Shows an import to whoever runs it: a bar that is drawn over on a terminal, a line every few seconds otherwise; bad lines as
/// they come. Used by one thread.</summary>
internal sealed class ImportProgress(TextWriter output, bool isTerminal, long length, long startedAt, TimeProvider time)
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
        var part = length == 0 ? 1 : (double)end / length;
        var rate = (end - startedAt) / Math.Max(0.001, time.GetElapsedTime(_since).TotalSeconds);
        var left = rate <= 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {(length - end) / rate:0} s left");
        var text = string.Create(
            CultureInfo.InvariantCulture, $"{part:0.0%}, {totals.Lines} lines: {totals.Created} created, {totals.Existed} existed, {totals.Bad} bad{left}");
        if (!isTerminal)
        {
            output.WriteLine(text);
            return;
        }

        var full = (int)(part * Width);
        output.Write($"\r[{new string('#', full)}{new string('.', Width - full)}] {text}\u001b[K");
        _isBarShown = true;
    }
}
