using System.Net;

namespace Guard.Demo;

/// <summary>Where the demo reaches the Guard it runs in.</summary>
/// <param name="Gateway">Without a trailing slash.</param>
/// <param name="Control">Without a trailing slash.</param>
internal sealed record DemoAddresses(string Gateway, string Control)
{
    /// <summary>Reads Kestrel's named endpoints; a role follows from the name alone. Throws <see cref="InvalidOperationException"/> when
    /// one is missing or has no fixed port.</summary>
    public static DemoAddresses From(IConfiguration configuration)
    {
        var endpoints = configuration.GetSection("Kestrel:Endpoints").GetChildren().ToArray();
        var control = endpoints.FirstOrDefault(e => HasRole(e, "Control"));
        var gateway = endpoints.FirstOrDefault(e => !HasRole(e, "Control") && !HasRole(e, "Health"));
        return new(UrlOf(gateway, "Gateway"), UrlOf(control, "Control"));
    }

    private static bool HasRole(IConfigurationSection endpoint, string role) => endpoint.Key.StartsWith(role, StringComparison.OrdinalIgnoreCase);

    private static string UrlOf(IConfigurationSection? endpoint, string role)
    {
        if (endpoint?["Url"] is not { } url)
        {
            throw new InvalidOperationException($"The demo needs Kestrel:Endpoints:{role}:Url.");
        }

        var address = BindingAddress.Parse(url);
        if (address.Port == 0 || address.IsUnixPipe)
        {
            throw new InvalidOperationException($"The demo needs a fixed TCP port; {endpoint.Path}:Url is '{url}'.");
        }

        // A name such as '*' or an unspecified address says where to listen, not where to call.
        var host = IPAddress.TryParse(address.Host, out var ip) && !ip.Equals(IPAddress.Any) && !ip.Equals(IPAddress.IPv6Any)
            ? address.Host
            : address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) ? "localhost" : "127.0.0.1";
        return $"{address.Scheme}://{host}:{address.Port}";
    }
}
