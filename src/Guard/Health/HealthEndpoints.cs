using System.Text.Json;
using Guard.Core.Diagnostics;

namespace Guard.Health;

/// <summary><c>/healthz</c>, <c>/readyz</c> and <c>/metrics</c>, on control and health listeners, without token.</summary>
internal static class HealthEndpoints
{
    private const string PrometheusText = "text/plain; version=0.0.4; charset=utf-8";
    private static readonly string[] Reads = [HttpMethods.Get, HttpMethods.Head];

    public static void MapHealth(this IEndpointRouteBuilder endpoints)
    {
        var state = endpoints.ServiceProvider.GetRequiredService<HealthState>();
        var metrics = endpoints.ServiceProvider.GetRequiredService<GuardMetrics>();
        var runners = endpoints.ServiceProvider.GetService<RunnerGauges>();

        endpoints.MapMethods("/healthz", Reads, context => WriteAsync(context, isWell: true, "ok", []));
        endpoints.MapMethods("/readyz", Reads, context =>
        {
            var report = state.Check();
            return WriteAsync(context, report.IsReady, report.Status, report.Reasons);
        });
        endpoints.MapMethods("/metrics", Reads, context => WriteMetricsAsync(context, metrics, runners));
    }

    private static Task WriteAsync(HttpContext context, bool isWell, string status, IReadOnlyList<string> reasons)
    {
        // Not an error of the catalogue: a probe asks, and the status is the answer.
        context.Response.StatusCode = isWell ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.ContentType = "application/json";
        var body = JsonSerializer.SerializeToUtf8Bytes(new HealthReply(status, reasons), HealthJson.Default.HealthReply);
        context.Response.ContentLength = body.Length;
        return context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    private static async Task WriteMetricsAsync(HttpContext context, GuardMetrics metrics, RunnerGauges? runners)
    {
        if (runners is not null)
        {
            await runners.RefreshAsync(context.RequestAborted);
        }

        context.Response.ContentType = PrometheusText;
        context.Response.Headers.CacheControl = "no-store";
        await metrics.Registry.CollectAndExportAsTextAsync(context.Response.Body, context.RequestAborted);
    }
}
