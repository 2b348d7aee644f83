using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Guard.Core.Request.Gateway;

/// <summary>
/// Reads on after a refusal. A client that is still sending when its connection is closed is answered with a reset, and loses the
/// refusal it has not read yet. Bounded in bytes and time: beyond that the client is not worth the bandwidth.
/// </summary>
internal static class LingeringClose
{
    private const long MaxBytes = 64 * 1024 * 1024;

    // As long as nginx waits for the next bytes by default (lingering_timeout).
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(5);

    /// <summary>Sends the reply to its end, then discards what the client goes on to send. Never throws.</summary>
    public static async Task DrainAsync(HttpContext context, TimeProvider time)
    {
        using var limit = new CancellationTokenSource(MaxTime, time);
        try
        {
            await context.Response.CompleteAsync();
            if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            {
                size.MaxRequestBodySize = null;
            }

            var buffer = new byte[16 * 1024];
            for (var left = MaxBytes; left > 0;)
            {
                var read = await context.Request.Body.ReadAsync(buffer, limit.Token);
                if (read == 0)
                {
                    return;
                }

                left -= read;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // Enough, or the client left: either way the connection is closed now.
        }
    }
}
