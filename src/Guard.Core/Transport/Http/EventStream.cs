using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace Guard.Core.Transport.Http;

/// <summary>
/// Copies server-sent events from a runner to a client: headers at once, each event as it comes, no limit on the silence between two.
/// The forwarder's own copy is bound to its activity timeout, which cannot be lifted once the request is under way.
/// </summary>
internal static class EventStream
{
    private const int BufferSize = 16 * 1024;

    public static bool Is(HttpContext context, HttpResponseMessage message)
    {
        if (HttpMethods.IsHead(context.Request.Method) || (int)message.StatusCode is < 200 or 204 or 205 or 304)
        {
            return false;
        }

        var type = ResponseHeaders.Values(message.Content.Headers, "content-type").ToString().AsSpan();
        var end = type.IndexOf(';');
        return (end < 0 ? type : type[..end]).Trim().Equals("text/event-stream", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Returns when the runner ended the stream.</summary>
    /// <param name="context">The client's request; the response headers are set.</param>
    /// <param name="message">The runner's reply.</param>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    /// <exception cref="IOException">One of the two connections broke.</exception>
    public static async Task CopyAsync(HttpContext context, HttpResponseMessage message)
    {
        var token = context.RequestAborted;
        await context.Response.Body.FlushAsync(token);
        await using var source = await message.Content.ReadAsStreamAsync(token);
        while (true)
        {
            // No buffer is held while nothing comes, which is most of the time.
            _ = await source.ReadAsync(Memory<byte>.Empty, token);
            var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
            try
            {
                var count = await source.ReadAsync(buffer, token);
                if (count == 0)
                {
                    return;
                }

                // The server sends each write on at once.
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, count), token);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }
}
