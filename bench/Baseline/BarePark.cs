namespace Guard.Baseline;

/// <summary>
/// Holds every GET until <c>POST /release</c>, then answers all of them with 503 and a body of the length of Guard's error: what holding
/// costs at least. Held requests leave with their client.
/// </summary>
internal static class BarePark
{
    private static readonly byte[] Body = new byte[350];
    private static volatile TaskCompletionSource _gate = NewGate();
    private static int _held;

    public static Task RunAsync(Arguments arguments)
    {
        Body.AsSpan().Fill((byte)'x');
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.ListenLoopback(arguments);
            kestrel.Limits.MaxRequestBufferSize = 64 * 1024;
        });
        var app = builder.Build();
        app.Run(AnswerAsync);
        return app.RunAsync();
    }

    private static Task AnswerAsync(HttpContext context)
    {
        if (HttpMethods.IsPost(context.Request.Method))
        {
            Interlocked.Exchange(ref _gate, NewGate()).SetResult();
            return Task.CompletedTask;
        }

        return context.Request.Path == "/held" ? context.Response.WriteAsync($"{Volatile.Read(ref _held)}") : ParkAsync(context);
    }

    private static async Task ParkAsync(HttpContext context)
    {
        Interlocked.Increment(ref _held);
        try
        {
            await _gate.Task.WaitAsync(context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            return;
        }
        finally
        {
            Interlocked.Decrement(ref _held);
        }

        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = Body.Length;
        await context.Response.Body.WriteAsync(Body);
    }

    private static TaskCompletionSource NewGate() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
