using System.Net.Security;
using Microsoft.AspNetCore.Server.Kestrel;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Guard.Tls;

/// <summary>
/// TLS of an <c>https://</c> endpoint with <see cref="ServerCertificates"/>. Each handshake asks for the certificate anew, so a renewal
/// touches no connection. What Kestrel's configuration says of the endpoint besides (protocols, client certificates) holds.
/// </summary>
internal static class TlsListener
{
    /// <summary>Whether the endpoint says itself which certificates it has. Those are Kestrel's business.</summary>
    public static bool HasOwnCertificate(IConfigurationSection endpoint)
        => endpoint.GetSection("Certificate").GetChildren().Any() || endpoint.GetSection("Sni").GetChildren().Any();

    public static void Use(EndpointConfiguration endpoint, ServerCertificates certificates)
    {
        var https = endpoint.HttpsOptions;
        endpoint.ListenOptions.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = https.HandshakeTimeout,
            OnConnection = handshake =>
            {
                handshake.AllowDelayedClientCertificateNegotation = https.ClientCertificateMode == ClientCertificateMode.DelayCertificate;
                return new(NewOptions(https, certificates.Select(handshake.ClientHelloInfo.ServerName)));
            },
        });
    }

    /// <summary>New for each handshake: the server adds the HTTP versions the endpoint speaks.</summary>
    private static SslServerAuthenticationOptions NewOptions(HttpsConnectionAdapterOptions https, PemCertificate certificate)
    {
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = certificate.Context,
            EnabledSslProtocols = https.SslProtocols,
            AllowRenegotiation = false,
        };
        if (https.ClientCertificateMode is ClientCertificateMode.AllowCertificate or ClientCertificateMode.RequireCertificate)
        {
            options.ClientCertificateRequired = true;
        }

        if (https.ClientCertificateMode != ClientCertificateMode.NoCertificate)
        {
            // One that is shown must be good, as with Kestrel's own.
            var isRequired = https.ClientCertificateMode == ClientCertificateMode.RequireCertificate;
            options.RemoteCertificateValidationCallback = (_, shown, _, errors) => shown is null ? !isRequired : errors == SslPolicyErrors.None;
            options.CertificateRevocationCheckMode = https.CheckCertificateRevocation
                ? System.Security.Cryptography.X509Certificates.X509RevocationMode.Online
                : System.Security.Cryptography.X509Certificates.X509RevocationMode.NoCheck;
        }

        return options;
    }
}
