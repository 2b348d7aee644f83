using Guard.Core.Errors;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace Guard.Core.Transport.Http;

/// <summary>
/// Sees to it that clients leave a Guard that ends by themselves: from the signal on each reply is the last of its HTTP/1.1 connection,
/// and an HTTP/2 connection that is used gets GOAWAY. Idle connections are left alone until the listeners close, because a client may be
/// writing on one at that very moment. Thread-safe.
/// </summary>
internal sealed class LastReply
{
    private readonly CancellationToken _draining;
    private readonly Func<object, Task> _onStarting;

    /// <param name="draining">The signal.</param>
    public LastReply(CancellationToken draining)
    {
        _draining = draining;
        _onStarting = context =>
        {
            Mark((HttpContext)context);
            return Task.CompletedTask;
        };
    }

    /// <summary>For a reply whose head is written next. Decided then, so that it holds for requests that came before the signal too.</summary>
    public void Mark(HttpContext context)
    {
        if (!_draining.IsCancellationRequested)
        {
            return;
        }

        if (HttpProtocol.IsHttp2(context.Request.Protocol))
        {
            context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        }

        ConnectionClose.AfterReply(context);
    }

    /// <summary>The same where others may write more headers, or write the head later: done at the last moment. Each forwarded request would pay for it.</summary>
    public void MarkOnStart(HttpContext context) => context.Response.OnStarting(_onStarting, context);
}
