using Microsoft.AspNetCore.Http;

namespace Guard.Core.Errors;

/// <summary>Makes a reply the last one of its connection.</summary>
internal static class ConnectionClose
{
    private const string Close = "close";

    /// <summary>
    /// Says <c>connection: close</c>, beside other options of the reply (a 426 has <c>upgrade</c>), once however often it is called. Only
    /// HTTP/1.x has the header; a 101 ends the connection's life as HTTP anyway. Call before the head is written.
    /// </summary>
    public static void AfterReply(HttpContext context)
    {
        var response = context.Response;
        if (!HttpProtocol.IsHttp11(context.Request.Protocol) && !HttpProtocol.IsHttp10(context.Request.Protocol)
            || response.StatusCode == StatusCodes.Status101SwitchingProtocols)
        {
            return;
        }

        var options = response.Headers.Connection;
        response.Headers.Connection = options switch
        {
            [] => Close,
            [.., Close] => options,
            [.., { } last] when last.EndsWith(", " + Close, StringComparison.Ordinal) => options,
            _ => $"{options}, {Close}",
        };
    }
}
