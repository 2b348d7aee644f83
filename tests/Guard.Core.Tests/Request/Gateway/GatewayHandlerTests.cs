using System.IO.Pipelines;
using System.Text;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Core.Request.Gateway;
using Guard.Core.Tests.Request.Readiness;
using Guard.Core.Transport.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;

namespace Guard.Core.Tests.Request.Gateway;

public sealed class GatewayHandlerTests
{
    [Fact]
    public async Task HandleAsync_TheAnswerCannotBeWritten_IsCutAndCounted()
    {
        var live = new LiveOptions(new GuardOptions());
        var metrics = new GuardMetrics(live);
        var cors = new CorsPolicy(live);
        using var limits = new ClientLimits(
            live, metrics, new(live, metrics, static () => default, TimeProvider.System, NullLogger<MemoryPressure>.Instance), TimeProvider.System);
        var admission = new RequestAdmission(limits, new ClientTokens(live, metrics, null!), cors, new TrustedProxies(live));
        var time = TimeProvider.System;
        var handler = new GatewayHandler(
            new RequestEntry(new GatewayRequestChecks(live), admission, new(null), null!, null!, time), null!, null!,
            new GatewayReplies(new(null), cors, new LastReply(default), live, time), cors, live, metrics, time, new TestLog<GatewayHandler>());
        var broken = new BrokenServer();
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpResponseBodyFeature>(broken);
        context.Features.Set<IHttpRequestLifetimeFeature>(broken);
        (context.Request.Method, context.Request.Protocol, context.Request.Scheme) = ("GET", "HTTP/1.1", "http");
        context.Request.Headers.Host = "gateway.example";
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = "/names-no-actor";

        await handler.HandleAsync(context);

        Assert.True(broken.IsAborted);
        using var text = new MemoryStream();
        await metrics.Registry.CollectAndExportAsTextAsync(text, TestContext.Current.CancellationToken);
        Assert.Contains("guard_requests_total{route=\"none\",method=\"GET\",code=\"500\"} 1", Encoding.UTF8.GetString(text.ToArray()), StringComparison.Ordinal);
    }

    /// <summary>A server whose response body fails in a way that is no client's leaving.</summary>
    private sealed class BrokenServer : IHttpResponseBodyFeature, IHttpRequestLifetimeFeature
    {
        public bool IsAborted { get; private set; }

        public Stream Stream => throw new InvalidOperationException("broken");

        public PipeWriter Writer => throw new InvalidOperationException("broken");

        public CancellationToken RequestAborted { get; set; }

        public void Abort() => IsAborted = true;

        public void DisableBuffering()
        {
        }

        public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) => Task.CompletedTask;

        public Task CompleteAsync() => Task.CompletedTask;
    }
}
