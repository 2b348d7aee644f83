using System.Buffers;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;

namespace Guard.Demo;

/// <summary>What an actor of the demo answers: the request as JSON, a WebSocket echo on <c>/ws</c>, ticks on <c>/events</c>.</summary>
internal static class EchoReplies
{
    private const int ShownBodyBytes = 4096;

    private static readonly TimeSpan TickInterval = TimeSpan.FromSeconds(1);

    public static Task AnswerAsync(HttpContext context, EchoActor actor, TimeProvider time)
        => context.WebSockets.IsWebSocketRequest ? EchoSocketAsync(context, actor)
            : context.Request.Path.StartsWithSegments("/events") ? TickAsync(context, actor, time)
            : EchoAsync(context, actor);

    private static async Task EchoAsync(HttpContext context, EchoActor actor)
    {
        var request = context.Request;
        var (bytes, shown) = await ReadBodyAsync(request.Body, context.RequestAborted);
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("actor_id", actor.Id);
        json.WriteString("key", actor.Key);
        json.WriteNumber("generation", actor.Generation);
        json.WriteString("method", request.Method);
        json.WriteString("path", context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
        json.WriteStartObject("headers");
        foreach (var (name, values) in request.Headers)
        {
            json.WriteStartArray(name.ToLowerInvariant());
            foreach (var value in values)
            {
                json.WriteStringValue(value);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
        json.WriteNumber("body_bytes", bytes);
        json.WriteString("body", shown);
        json.WriteEndObject();
        await json.FlushAsync(context.RequestAborted);
        // A shell's prompt belongs on a line of its own.
        await context.Response.WriteAsync("\n", context.RequestAborted);
    }

    /// <summary>Reads all of it, and keeps the start for show.</summary>
    private static async Task<(long Bytes, string Shown)> ReadBodyAsync(Stream body, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(65_536);
        try
        {
            var shown = new MemoryStream();
            long total = 0;
            int read;
            while ((read = await body.ReadAsync(buffer, cancellationToken)) > 0)
            {
                total += read;
                shown.Write(buffer, 0, (int)Math.Min(read, ShownBodyBytes - shown.Length));
            }

            return (total, Encoding.UTF8.GetString(shown.GetBuffer(), 0, (int)shown.Length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task TickAsync(HttpContext context, EchoActor actor, TimeProvider time)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, actor.Stopping);
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-store";
        try
        {
            for (var tick = 1; ; tick++)
            {
                await context.Response.WriteAsync($"id: {tick}\ndata: tick {tick} of {actor.Key}\n\n", end.Token);
                await context.Response.Body.FlushAsync(end.Token);
                await Task.Delay(TickInterval, time, end.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The client left or the actor stops: either way the stream is over.
        }
    }

    private static async Task EchoSocketAsync(HttpContext context, EchoActor actor)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        await using var stop = actor.Stopping.UnsafeRegister(static state => _ = GoAwayAsync((WebSocket)state!), socket);
        var buffer = ArrayPool<byte>.Shared.Rent(65_536);
        try
        {
            // Without a word of its own the actor would look dead to a client that cannot send frames, such as curl.
            await socket.SendAsync(
                Encoding.UTF8.GetBytes($"hello from {actor.Key}"), WebSocketMessageType.Text, true, context.RequestAborted);
            while (true)
            {
                var part = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
                    return;
                }

                await socket.SendAsync(
                    buffer.AsMemory(0, part.Count), part.MessageType, part.EndOfMessage, context.RequestAborted);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            // The client left without a close frame, or the close of a stopping actor came between two frames.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task GoAwayAsync(WebSocket socket)
    {
        try
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, "actor stops", CancellationToken.None);
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException or InvalidOperationException)
        {
            // It closed by itself meanwhile.
        }
    }
}
