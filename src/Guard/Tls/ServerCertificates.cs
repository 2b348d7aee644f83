using System.Collections.Frozen;
using System.Globalization;

namespace Guard.Tls;

/// <summary>
/// The certificates of Guard's own endpoints, found by the host name a client asks for. Thread-safe; replaced by one writer, seen by the
/// next handshake.
/// </summary>
internal sealed class ServerCertificates
{
    private static readonly IdnMapping Idn = new();

    private readonly PemCertificate[] _certificates;
    private volatile FrozenDictionary<string, PemCertificate> _byName;

    /// <param name="certificates">At least one. The first is for clients that ask for no name, or for one that none is for; of two for
    /// the same name the first counts.</param>
    public ServerCertificates(IReadOnlyList<PemCertificate> certificates)
    {
        _certificates = [.. certificates];
        _byName = Index();
    }

    public void Replace(int index, PemCertificate certificate)
    {
        Volatile.Write(ref _certificates[index], certificate);
        _byName = Index();
    }

    /// <param name="serverName">As the client sent it (SNI); null or empty when it sent none.</param>
    public PemCertificate Select(string? serverName)
    {
        if (!string.IsNullOrEmpty(serverName))
        {
            var (byName, name) = (_byName, Normal(serverName));
            var dot = name.IndexOf('.', StringComparison.Ordinal);
            if (byName.TryGetValue(name, out var found) || (dot > 0 && byName.TryGetValue($"*{name[dot..]}", out found)))
            {
                return found;
            }
        }

        return Volatile.Read(ref _certificates[0]);
    }

    /// <summary>Lower case, no dot at the end, punycode: certificates have names so, and TLS hands them over decoded.</summary>
    private static string Normal(string name)
    {
        var plain = name.TrimEnd('.');
        try
        {
            return (System.Text.Ascii.IsValid(plain) ? plain : Idn.GetAscii(plain)).ToLowerInvariant();
        }
        catch (ArgumentException)
        {
            // No host name at all; a client may send anything.
            return plain;
        }
    }

    private FrozenDictionary<string, PemCertificate> Index()
    {
        var byName = new Dictionary<string, PemCertificate>();
        foreach (var certificate in _certificates)
        {
            foreach (var name in certificate.Names)
            {
                byName.TryAdd(Normal(name), certificate);
            }
        }

        return byName.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
