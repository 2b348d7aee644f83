using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Guard.Core.Transport.Connections;

/// <summary>What Guard and <c>https://</c> runners know each other by. Immutable, compared by reference.</summary>
/// <param name="Certificate">What Guard shows runners that ask; null for none.</param>
/// <param name="Authorities">The roots runners' certificates must come from; null for the system's.</param>
internal sealed record RunnerCredentials(SslStreamCertificateContext? Certificate, X509Certificate2Collection? Authorities)
{
    /// <summary>Names are checked in any case. The roots are the whole of what is trusted, and nothing is fetched to complete a chain.</summary>
    public SslClientAuthenticationOptions NewOptions()
    {
        var options = new SslClientAuthenticationOptions { ClientCertificateContext = Certificate };
        if (Authorities is not null)
        {
            options.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(Authorities);
        }

        return options;
    }
}

/// <summary>The <see cref="RunnerCredentials"/> in use. Read through one volatile read; published by one writer (whoever watches the
/// files).</summary>
internal sealed class RunnerTls
{
    private volatile RunnerCredentials _current = new(null, null);

    public RunnerCredentials Current => _current;

    /// <summary>Whether there is anything; for the whole life of the process, as the options that say so need a restart.</summary>
    public bool IsConfigured => _current is not { Certificate: null, Authorities: null };

    public void Publish(RunnerCredentials credentials) => _current = credentials;
}
