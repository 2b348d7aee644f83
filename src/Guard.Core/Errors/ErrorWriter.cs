using Microsoft.AspNetCore.Http;

namespace Guard.Core.Errors;

/// <summary>The only writer of replies Guard itself makes.</summary>
internal static class ErrorWriter
{
    public static Task WriteAsync(HttpContext context, GuardError error) => throw new NotImplementedException($"{context}{error}");
}
