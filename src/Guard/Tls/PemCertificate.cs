using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Guard.Tls;

/// <summary>
/// A certificate with its key and intermediates, ready for handshakes. Immutable, thread-safe. Never disposed: a handshake may be about
/// to use it when the next one takes its place.
/// </summary>
internal sealed class PemCertificate
{
    private PemCertificate(X509Certificate2 leaf, SslStreamCertificateContext context)
    {
        Context = context;
        Expiry = leaf.NotAfter;
        Names = [.. leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(e => e.EnumerateDnsNames())];
    }

    /// <summary>For client and server. Nothing is fetched to complete it.</summary>
    public SslStreamCertificateContext Context { get; }

    public DateTimeOffset Expiry { get; }

    /// <summary>The DNS names it is for, as they stand in it.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Reads a certificate. Throws what <see cref="IsBadFile"/> knows.</summary>
    /// <param name="path">PEM: the certificate first, then its intermediates.</param>
    /// <param name="keyPath">PEM, not encrypted; null when the key stands in <paramref name="path"/>.</param>
    public static PemCertificate Load(string path, string? keyPath)
    {
        var text = File.ReadAllText(path);
        var leaf = X509Certificate2.CreateFromPem(text, keyPath is null ? text : File.ReadAllText(keyPath));
        var intermediates = ReadAll(text, path);
        intermediates.RemoveAt(0);
        return new PemCertificate(leaf, SslStreamCertificateContext.Create(leaf, intermediates, offline: true));
    }

    /// <summary>Reads certificates without keys, at least one. Throws what <see cref="IsBadFile"/> knows.</summary>
    public static X509Certificate2Collection LoadAll(string path) => ReadAll(File.ReadAllText(path), path);

    /// <summary>Whether an exception says that a file is missing, not readable, or not what it should be.</summary>
    public static bool IsBadFile(Exception exception)
        => exception is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException;

    private static X509Certificate2Collection ReadAll(string text, string path)
    {
        var all = new X509Certificate2Collection();
        all.ImportFromPem(text);
        return all.Count > 0 ? all : throw new CryptographicException($"There is no certificate in '{path}'.");
    }
}
