using System.Text;

namespace Guard.Core.State.Serverless;

/// <summary>Reads the beginning of a reply's body, as text to show: however long the body is, and however slowly it comes.</summary>
internal static class BodyStart
{
    /// <summary>How long the body of a refusal is waited for: its status is what counts, and somebody waits to hear it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(200);

    /// <returns>What arrived in time of the first <paramref name="maxBytes"/> bytes, less a character cut in two; bytes that are not UTF-8
    /// become U+FFFD. Never throws for what the peer did.</returns>
    public static async Task<string> ReadAsync(HttpResponseMessage response, int maxBytes, TimeProvider time, CancellationToken cancellationToken)
    {
        if (StartFaults.UnaskedEncoding(response.Content.Headers) is { } encoding)
        {
            return $"(content-encoding {encoding})";
        }

        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        var bytes = new byte[maxBytes];
        var length = 0;
        try
        {
            var body = await response.Content.ReadAsStreamAsync(either.Token);
            for (int read; length < maxBytes && (read = await body.ReadAsync(bytes.AsMemory(length), either.Token)) > 0; length += read)
            {
            }
        }
        catch (Exception e) when (StartFaults.IsExpected(e))
        {
            // What has arrived has to do.
        }

        var text = new char[Encoding.UTF8.GetMaxCharCount(length)];
        var chars = Encoding.UTF8.GetDecoder().GetChars(bytes, 0, length, text, 0, flush: false);
        return new string(text, 0, chars);
    }
}
