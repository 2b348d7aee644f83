using System.Net.Sockets;
using System.Text;
using Guard.Configuration;
using Guard.Hosting;
using Guard.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Guard.Tests.Hosting;

/// <summary>A Guard in this process on free ports of the loopback address, with what it logs.</summary>
internal sealed class TestGuard : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private TestGuard(GuardApp app, LogLines log)
    {
        App = app;
        Log = log;
    }

    public GuardApp App { get; }

    public LogLines Log { get; }

    public Uri Gateway => App.Listeners.UrlsOf(EndpointRole.Gateway)[0];

    public Uri Control => App.Listeners.UrlsOf(EndpointRole.Control)[0];

    public static async Task<TestGuard> StartAsync(
        string[]? args = null, RequestDelegate? gateway = null, Action<IServiceCollection>? services = null, GuardAppParts? parts = null)
    {
        var log = new LogLines();
        var app = GuardApp.Build(
            ["--Kestrel:Endpoints:Gateway:Url=http://127.0.0.1:0", "--Kestrel:Endpoints:Control:Url=http://127.0.0.1:0", .. args ?? []],
            (parts ?? new GuardAppParts()) with
            {
                Gateway = gateway is null ? null : _ => gateway,
                Services = s =>
                {
                    s.AddSingleton<ILoggerProvider>(log);
                    services?.Invoke(s);
                },
            });
        var guard = new TestGuard(app, log);
        await app.StartAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        return guard;
    }

    public T Get<T>()
        where T : notnull
        => App.Services.GetRequiredService<T>();

    /// <summary>Sends bytes as they are (Latin-1) and reads all that comes until the server closes the connection.</summary>
    public static async Task<string> SendRawAsync(Uri url, string request)
    {
        var ct = TestContext.Current.CancellationToken;
        using var client = new TcpClient();
        await client.ConnectAsync(url.Host, url.Port, ct).AsTask().WaitAsync(Patience, ct);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request), ct).AsTask().WaitAsync(Patience, ct);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return await reader.ReadToEndAsync(ct).WaitAsync(Patience, ct);
    }

    public async ValueTask DisposeAsync()
    {
        await App.StopAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        await App.DisposeAsync();
    }
}
