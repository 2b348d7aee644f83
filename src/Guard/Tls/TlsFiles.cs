using Guard.Configuration;
using Guard.Core.Options;
using Guard.Core.Transport.Connections;

namespace Guard.Tls;

/// <summary>All certificates Guard has from files: those of its endpoints and those for runners.</summary>
internal sealed class TlsFiles
{
    private readonly List<WatchedCertificate> _watched = [];

    private TlsFiles()
    {
    }

    /// <summary>Null when there are none: each https endpoint has its own.</summary>
    public ServerCertificates? Server { get; private set; }

    public RunnerTls Runners { get; } = new();

    public IReadOnlyList<WatchedCertificate> Watched => _watched;

    /// <summary>Reads all of them. Throws <see cref="ConfigurationException"/>, with one line for the operator, when one cannot be used.</summary>
    public static TlsFiles Load(GuardOptions options)
    {
        var files = new TlsFiles();
        files.LoadServer(options.Tls);
        files.LoadRunners(options.Runners.Tls);
        return files;
    }

    private void LoadServer(TlsOptions options)
    {
        var paths = options.Certificates ?? [];
        var first = new PemCertificate[paths.Length];
        for (var i = 0; i < paths.Length; i++)
        {
            var (index, path, keyPath) = (i, paths[i], options.Keys is { Length: > 0 } keys ? keys[i] : null);
            Watch($"{index}", $"Tls:Certificates:{index}", keyPath is null ? [path] : [path, keyPath], () =>
            {
                var certificate = PemCertificate.Load(path, keyPath);
                first[index] = certificate;
                Server?.Replace(index, certificate);
                return certificate.Expiry;
            });
        }

        Server = paths.Length > 0 ? new ServerCertificates(first) : null;
    }

    private void LoadRunners(RunnerTlsOptions options)
    {
        if (options.Certificate is { } path)
        {
            Watch("runner_client", "Runners:Tls:Certificate", options.Key is { } key ? [path, key] : [path], () =>
            {
                var certificate = PemCertificate.Load(path, options.Key);
                Runners.Publish(Runners.Current with { Certificate = certificate.Context });
                return certificate.Expiry;
            });
        }

        if (options.Authorities is { } authoritiesPath)
        {
            Watch("runner_authorities", "Runners:Tls:Authorities", [authoritiesPath], () =>
            {
                var authorities = PemCertificate.LoadAll(authoritiesPath);
                Runners.Publish(Runners.Current with { Authorities = authorities });
                return authorities.Min(a => (DateTimeOffset)a.NotAfter);
            });
        }
    }

    private void Watch(string label, string name, string[] paths, Func<DateTimeOffset> load)
    {
        var watched = new WatchedCertificate(label, $"{OptionKey.Root}:{name}", paths, load);
        if (!watched.TryLoad())
        {
            throw new ConfigurationException($"{watched.Key}: {watched.Problem}");
        }

        _watched.Add(watched);
    }
}
