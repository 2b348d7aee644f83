using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Guard.Core.Errors;

namespace Guard.Control;

/// <summary>What a handler answers: a value as JSON, or an error for the writer.</summary>
internal static class ControlResult
{
    public static IResult Ok<T>(T value, JsonTypeInfo<T> type) => new JsonResult<T>(value, type);

    public static IResult Error(GuardError error) => new ErrorResult(error);

    private sealed class JsonResult<T>(T value, JsonTypeInfo<T> type) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            // Whole before the first byte: a failure while writing could not become an error reply any more.
            var json = JsonSerializer.SerializeToUtf8Bytes(value, type);
            httpContext.Response.ContentType = "application/json";
            httpContext.Response.ContentLength = json.Length;
            return httpContext.Response.Body.WriteAsync(json, httpContext.RequestAborted).AsTask();
        }
    }

    private sealed class ErrorResult(GuardError error) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext) => ErrorWriter.WriteAsync(httpContext, error);
    }
}
