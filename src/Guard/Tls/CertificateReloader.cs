using Guard.Configuration;
using Guard.Core.Async;
using Guard.Core.Diagnostics;

namespace Guard.Tls;

/// <summary>
/// Takes over renewed certificates while Guard runs, within 2 s of the last change of a file. One that cannot be used changes nothing,
/// and log and metric say so. Thread-safe.
/// </summary>
internal sealed partial class CertificateReloader(TlsFiles files, GuardMetrics metrics, TimeProvider time, ILogger<CertificateReloader> logger)
    : IHostedService, IDisposable
{
    private FilePoll? _poll;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var certificate in files.Watched)
        {
            metrics.CertificateLoaded(certificate.Label, certificate.Expiry);
            WarnWhenExpired(certificate);
        }

        if (files.Watched.Count > 0)
        {
            _poll = new FilePoll(new GuardedLoop("certificate_reloader", metrics, time, logger), time, Poll);
        }

        return Task.CompletedTask;
    }

    /// <summary>Goes on until it is disposed of: what is under way while Guard goes down may open connections.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _poll?.Dispose();

    private void Poll()
    {
        foreach (var certificate in files.Watched.Where(c => c.IsDue()))
        {
            Reload(certificate);
        }
    }

    private void Reload(WatchedCertificate certificate)
    {
        var before = certificate.Problem;
        if (certificate.TryLoad())
        {
            metrics.CertificateLoaded(certificate.Label, certificate.Expiry);
            LogRenewed(certificate.Key, certificate.Expiry.UtcDateTime);
            WarnWhenExpired(certificate);
        }
        else if (certificate.Problem != before)
        {
            // Tried again with each poll, told once.
            metrics.CertificateRefused(certificate.Label);
            LogRefused(certificate.Key, certificate.Expiry.UtcDateTime, certificate.Problem!);
        }
    }

    private void WarnWhenExpired(WatchedCertificate certificate)
    {
        if (certificate.Expiry <= time.GetUtcNow())
        {
            LogExpired(certificate.Key, certificate.Expiry.UtcDateTime);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Certificate {Key} was renewed and is in use; it expires {Expiry:u}", EventName = "CertificateRenewed")]
    private partial void LogRenewed(string key, DateTime expiry);

    [LoggerMessage(2, LogLevel.Error, "Certificate {Key} changed and cannot be used; the one before stays in use, it expires {Expiry:u}: {Problem}", EventName = "CertificateRefused")]
    private partial void LogRefused(string key, DateTime expiry, string problem);

    [LoggerMessage(3, LogLevel.Warning, "Certificate {Key} is in use and expired {Expiry:u}", EventName = "CertificateExpired")]
    private partial void LogExpired(string key, DateTime expiry);
}
