namespace Guard.Demo;

/// <summary>All that a serverless endpoint answers beyond what every runner does (docs/serverless.md).</summary>
internal static class ServerlessStart
{
    private const string Description = """{"version":1}""";

    /// <summary>Proxies on the way may cut a reply that is silent for a minute or so.</summary>
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(15);

    /// <summary>Gives a runner: it lives until this reply ends.</summary>
    public static async Task AnswerAsync(HttpContext context, TimeProvider time, CancellationToken stopping)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        try
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync($"data: {Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(Description))}\n\n", end.Token);
            using var timer = new PeriodicTimer(PingInterval, time);
            while (await timer.WaitForNextTickAsync(end.Token))
            {
                await context.Response.WriteAsync("event: ping\ndata:\n\n", end.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Guard closed it, or the demo ends.
        }
    }

    public static Task DescribeAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(Description, context.RequestAborted);
    }
}
