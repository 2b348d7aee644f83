using System.Globalization;
using System.Net;
using Guard.Core.Options;

namespace Guard.Configuration;

/// <summary>A listener as configured. Immutable, compared by value.</summary>
internal sealed record GuardEndpoint(string Name, string Url)
{
    public EndpointRole Role => EndpointRoleFeature.RoleOf(Name);

    public string UrlKey => $"{GuardEndpoints.Section}:{Name}:Url";
}

/// <summary>
/// Kestrel's named endpoints, as Guard reads them: default addresses, and the checks Kestrel does not make. What it takes for a host
/// name it binds to every address, so a typing error would open a port to the world.
/// </summary>
internal static class GuardEndpoints
{
    public const string Section = "Kestrel:Endpoints";

    private const string GatewayName = "Gateway";
    private const string ControlName = "Control";
    private const string AllowedUrl = "http:// or https:// with an IP address, localhost, a host name or *, and a port from 0 to 65535";
    private const string AllowedProtocols = "Http1, Http2 or Http1AndHttp2";

    /// <summary>Completes a configuration: a role nobody configured gets its default endpoint, and the two default endpoints get their
    /// default address where only other things were said of them.</summary>
    public static void AddDefaults(ConfigurationManager configuration)
    {
        var names = configuration.GetSection(Section).GetChildren().Select(e => e.Key).ToArray();
        var defaults = new Dictionary<string, string?>();
        AddDefault(GatewayName, "http://0.0.0.0:6420");
        AddDefault(ControlName, "http://127.0.0.1:6421");
        configuration.Sources.Insert(0, new Microsoft.Extensions.Configuration.Memory.MemoryConfigurationSource { InitialData = defaults });

        void AddDefault(string name, string url)
        {
            if (names.Contains(name, StringComparer.OrdinalIgnoreCase) || !Array.Exists(names, n => EndpointRoleFeature.RoleOf(n) == EndpointRoleFeature.RoleOf(name)))
            {
                defaults[$"{Section}:{name}:Url"] = url;
            }
        }
    }

    public static IReadOnlyList<GuardEndpoint> Read(IConfiguration configuration)
        => [.. configuration.GetSection(Section).GetChildren().Select(e => new GuardEndpoint(e.Key, e["Url"] ?? ""))];

    /// <summary>The addresses the endpoints will be bound to, as far as the configuration tells: port 0 and unix sockets are left out.</summary>
    public static IEnumerable<IPEndPoint> AddressesOf(IConfiguration configuration)
    {
        foreach (var endpoint in Read(configuration))
        {
            if (Parse(endpoint.Url) is not { IsUnixPipe: false, Port: > 0 } address)
            {
                continue;
            }

            if (IPAddress.TryParse(address.Host, out var ip))
            {
                yield return new IPEndPoint(ip, address.Port);
                continue;
            }

            // Whatever else it is called, the server binds it to every address.
            var isLocal = address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase);
            yield return new IPEndPoint(isLocal ? IPAddress.Loopback : IPAddress.Any, address.Port);
            yield return new IPEndPoint(isLocal ? IPAddress.IPv6Loopback : IPAddress.IPv6Any, address.Port);
        }
    }

    /// <summary>What is wrong with the endpoints, alone and together with the options.</summary>
    /// <param name="options">Null when they could not be read: the rules that need them are left out.</param>
    public static IEnumerable<OptionProblem> Check(IConfiguration configuration, GuardOptions? options)
    {
        foreach (var section in configuration.GetSection(Section).GetChildren().Append(configuration.GetSection("Kestrel:EndpointDefaults")))
        {
            // Kestrel falls back to its default for a name it does not know.
            if (section["Protocols"] is { } protocols && !IsProtocols(protocols))
            {
                yield return OptionProblem.NotAllowed($"{section.Path}:Protocols", protocols, isSecret: false, AllowedProtocols);
            }
        }

        var endpoints = Read(configuration);
        foreach (var problem in options is null ? [] : CheckRedirects(endpoints, options))
        {
            yield return problem;
        }

        foreach (var endpoint in endpoints)
        {
            if (Parse(endpoint.Url) is not { } address)
            {
                yield return OptionProblem.NotAllowed(endpoint.UrlKey, endpoint.Url, isSecret: false, AllowedUrl);
            }
            else if (endpoint.Role == EndpointRole.Control && options?.Control.HasOperatorToken() == false && !IsLoopback(address))
            {
                yield return OptionProblem.NotAllowed(endpoint.UrlKey, endpoint.Url, isSecret: false,
                    "a loopback address such as http://127.0.0.1:6421 as long as Guard:Control:Token is not set");
            }
        }
    }

    /// <summary>Redirecting is for gateway endpoints without TLS: what serves the control API must never answer in its place.</summary>
    private static IEnumerable<OptionProblem> CheckRedirects(IReadOnlyList<GuardEndpoint> endpoints, GuardOptions options)
    {
        var key = OptionKeys.Get("Tls:RedirectEndpoints");
        var names = options.Tls.RedirectEndpoints ?? [];
        for (var i = 0; i < names.Length; i++)
        {
            var named = endpoints.FirstOrDefault(e => e.Name.Equals(names[i], StringComparison.OrdinalIgnoreCase));
            if (named is not { Role: EndpointRole.Gateway } || !named.Url.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
            {
                yield return OptionProblem.NotAllowed($"{key.FullName}:{i}", names[i], isSecret: false, key.Allowed);
            }
        }
    }

    private static BindingAddress? Parse(string url)
    {
        BindingAddress address;
        try
        {
            address = BindingAddress.Parse(url);
        }
        catch (FormatException)
        {
            return null;
        }

        var isHttp = address.Scheme.Equals("http", StringComparison.OrdinalIgnoreCase) || address.Scheme.Equals("https", StringComparison.OrdinalIgnoreCase);
        if (!isHttp || address.PathBase.Length > 0)
        {
            return null;
        }

        return address.IsUnixPipe || (address.Port is >= 0 and <= IPEndPoint.MaxPort && IsHost(address.Host) && PortIsDigits(url)) ? address : null;
    }

    /// <summary>A port that cannot be read is taken for a part of the host name, and the port for the scheme's.</summary>
    private static bool IsHost(string host)
        => host is "*" or "+" || IPAddress.TryParse(host, out _) || Uri.CheckHostName(host) == UriHostNameType.Dns;

    private static bool PortIsDigits(string url)
    {
        var authority = url.AsSpan(url.IndexOf("://", StringComparison.Ordinal) + 3).TrimEnd('/');
        var colon = authority.LastIndexOf(':');
        return colon <= authority.LastIndexOf(']') || int.TryParse(authority[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out _);
    }

    /// <summary>Only processes of this machine can reach it.</summary>
    private static bool IsLoopback(BindingAddress address)
        => address.IsUnixPipe || address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(address.Host, out var ip) && IPAddress.IsLoopback(ip));

    private static bool IsProtocols(string text)
        => Array.Exists(["Http1", "Http2", "Http1AndHttp2"], p => p.Equals(text, StringComparison.OrdinalIgnoreCase));
}
