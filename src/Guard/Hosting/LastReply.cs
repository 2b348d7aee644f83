using Guard.Core.Errors;
using Guard.Health;
using Microsoft.AspNetCore.Connections.Features;

namespace Guard.Hosting;

/// <summary>
/// Sees to it that clients leave a Guard that ends by themselves: from the signal on each reply is the last of its HTTP/1.1 connection,
/// and an HTTP/2 connection that is used gets GOAWAY. Idle connections are left alone until the listeners close, because a client may be
/// writing on one at that very moment. Thread-safe.
/// </summary>
internal sealed class LastReply
{
    private readonly Func<object, Task> _onStarting;

    public LastReply(HealthState health)
        => _onStarting = context =>
        {
            // Decided when the head is written, so that it holds for requests that came before the signal too.
            if (health.IsDraining)
            {
                Mark((HttpContext)context);
            }

            return Task.CompletedTask;
        };

    /// <summary>Call before anything is written.</summary>
    public void Watch(HttpContext context) => context.Response.OnStarting(_onStarting, context);

    private static void Mark(HttpContext context)
    {
        if (HttpProtocol.IsHttp2(context.Request.Protocol))
        {
            context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        }

        ConnectionClose.AfterReply(context);
    }
}
