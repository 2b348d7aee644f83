using Guard.Core.Errors;
using Microsoft.AspNetCore.Http;

namespace Guard.Core.Tests.Errors;

public sealed class ConnectionCloseTests
{
    [Theory]
    [InlineData("HTTP/1.1", 200, null, "close")]
    [InlineData("HTTP/1.0", 400, null, "close")]
    [InlineData("HTTP/1.1", 426, "Upgrade", "Upgrade, close")]
    [InlineData("HTTP/1.1", 101, "Upgrade", "Upgrade")]
    [InlineData("HTTP/2", 200, null, null)]
    public void AfterReply_Twice_CloseIsThereOnce(string protocol, int status, string? before, string? after)
    {
        var context = new DefaultHttpContext();
        (context.Request.Protocol, context.Response.StatusCode, context.Response.Headers.Connection) = (protocol, status, before);

        ConnectionClose.AfterReply(context);
        ConnectionClose.AfterReply(context);

        Assert.Equal(after, context.Response.Headers.Connection);
    }
}
