using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Guard.Tests.Tls;

/// <summary>A runner behind TLS that takes only clients with a certificate of an authority, and keeps which certificate each call came
/// with. Starts succeed; requests are answered 200, those for <c>/wait</c> once <see cref="Release"/> is set. Thread-safe.</summary>
internal sealed class TlsRunner : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly X509Certificate2 _certificate;

    private TlsRunner(WebApplication app, X509Certificate2 certificate) => (_app, _certificate) = (app, certificate);

    public string Endpoint => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    /// <summary><c>VERB path thumbprint</c> of each call.</summary>
    public ConcurrentQueue<string> Calls { get; } = new();

    /// <summary>Set when a request for <c>/wait</c> has come.</summary>
    public TaskCompletionSource Waiting { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource Release { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="certificate">What it shows.</param>
    /// <param name="clients">Who must have issued what its clients show.</param>
    public static async Task<TlsRunner> StartAsync(TestCertificate certificate, TestAuthority clients)
    {
        var shown = certificate.Open();
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listener => listener.UseHttps(https =>
        {
            https.ServerCertificate = shown;
            https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
            https.ClientCertificateValidation = (client, chain, _) => clients.Issued(client, chain!.ChainPolicy.ExtraStore);
        })));
        var app = builder.Build();
        var runner = new TlsRunner(app, shown);
        app.Run(runner.AnswerAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return runner;
    }

    public async ValueTask DisposeAsync()
    {
        Release.TrySetResult();
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        _certificate.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var verb = context.Request.Path.Value!.Split('/') is ["", ".guard", "actors", _, var call] ? call : context.Request.Path.Value;
        Calls.Enqueue($"{verb} {context.Connection.ClientCertificate?.Thumbprint}");
        if (verb == "/wait")
        {
            Waiting.TrySetResult();
            await Release.Task;
            await context.Response.WriteAsync("waited", TestContext.Current.CancellationToken);
        }
    }
}
