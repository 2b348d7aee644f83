using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Model.Stores;

namespace Guard.Control;

/// <summary>What stands around every endpoint of the control API: the token before, and after it whatever was thrown becomes an error
/// reply. Thread-safe.</summary>
internal sealed partial class ControlGate(LiveOptions options, TimeProvider time, ILogger<ControlGate> logger)
{
    private readonly ControlAuth _auth = new(options.Current.Control);

    public async Task InvokeAsync(HttpContext context, RequestDelegate endpoint)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (_auth.Check(context) is { } refused)
        {
            await ErrorWriter.WriteAsync(context, refused);
            return;
        }

        // Replies quote what came from outside: no browser is to take one for a page.
        context.Response.Headers.XContentTypeOptions = "nosniff";
        var start = time.GetTimestamp();
        var call = new ControlCall(context);
        context.Features.Set(call);
        try
        {
            await endpoint(context);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client left: there is nobody to answer.
            LogClientGone(context.Request.Method, context.TraceIdentifier);
        }
        catch (StoreException e)
        {
            LogStoreUnavailable(context.Request.Method, context.TraceIdentifier, e.Message);
            await ErrorWriter.WriteAsync(context, GuardErrors.ServiceUnavailable(null, time.GetElapsedTime(start)));
        }
        catch (Exception e)
        {
            LogBug(context.Request.Method, context.TraceIdentifier, e);
            await ErrorWriter.WriteAsync(context, GuardErrors.Internal(e.ToString()));
        }
    }

    [LoggerMessage(1, LogLevel.Debug, "Control call {Method} was left by its client (ray {RayId})", EventName = "ControlClientGone")]
    private partial void LogClientGone(string method, string rayId);

    [LoggerMessage(
        2, LogLevel.Warning,
        "Control call {Method} failed: the store cannot be used (ray {RayId}, {Reason})",
        EventName = "ControlStoreUnavailable")]
    private partial void LogStoreUnavailable(string method, string rayId, string reason);

    [LoggerMessage(3, LogLevel.Error, "Control call {Method} hit a bug in Guard (ray {RayId})", EventName = "ControlBug")]
    private partial void LogBug(string method, string rayId, Exception exception);
}
