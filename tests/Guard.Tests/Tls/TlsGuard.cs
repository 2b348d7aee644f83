using Guard.Configuration;
using Guard.TestSupport;
using Guard.Tests.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Tests.Tls;

/// <summary>A Guard in this process with certificates in a directory of its own, and a clock that stands still unless the test moves it.</summary>
internal sealed class TlsGuard : IAsyncDisposable
{
    /// <summary>What the gateway answers everyone.</summary>
    public const string Reply = "from the gateway";

    private readonly FakeTimeProvider _time = new();

    public TemporaryDirectory Files { get; } = new();

    public TestGuard Guard { get; private set; } = null!;

    public Uri Gateway => Guard.Gateway;

    /// <param name="args">Besides the addresses; the gateway listens by https.</param>
    /// <param name="gateway">Null for <see cref="Reply"/>.</param>
    public async Task StartAsync(string[] args, RequestDelegate? gateway = null)
        => Guard = await TestGuard.StartAsync(
            ["--Kestrel:Endpoints:Gateway:Url=https://127.0.0.1:0", .. args],
            gateway ?? (static context =>
            {
                context.Response.ContentLength = Reply.Length;
                return context.Response.WriteAsync(Reply, TestContext.Current.CancellationToken);
            }),
            services => services.AddSingleton<TimeProvider>(_time));

    /// <summary>With one certificate in <c>tls.crt</c> and <c>tls.key</c>.</summary>
    public Task StartWithAsync(TestCertificate certificate, params string[] args)
    {
        Write(certificate);
        return StartAsync([$"--Guard:Tls:Certificates:0={PathOf("tls.crt")}", $"--Guard:Tls:Keys:0={PathOf("tls.key")}", .. args]);
    }

    public void Write(TestCertificate certificate)
    {
        Files.Write("tls.crt", certificate.Pem);
        Files.Write("tls.key", certificate.Key);
    }

    public string PathOf(string name) => Path.Combine(Files.Root, name);

    /// <summary>The time in which a change must be in force.</summary>
    public void Settle() => Settle(_time);

    /// <summary>As <see cref="Settle()"/>, for a Guard with a clock of its test.</summary>
    public static void Settle(FakeTimeProvider time)
    {
        for (var passed = TimeSpan.Zero; passed < TimeSpan.FromSeconds(2); passed += SettledFileWatch.PollInterval)
        {
            time.Advance(SettledFileWatch.PollInterval);
        }
    }

    /// <summary>The line of a metric, without its value, as <c>/metrics</c> shows it.</summary>
    public async Task<double> MetricAsync(string series)
    {
        using var client = new HttpClient();
        var text = await client.GetStringAsync(new Uri(Guard.Control, "/metrics"), TestContext.Current.CancellationToken).WaitAsync(TestGuard.Patience);
        var line = Assert.Single(text.Split('\n'), l => l.StartsWith(series + " ", StringComparison.Ordinal));
        return double.Parse(line[(series.Length + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        if (Guard is not null)
        {
            await Guard.DisposeAsync();
        }

        Files.Dispose();
    }
}
