using System.Net;
using Guard.Core.Net;
using Guard.Core.Options;

namespace Guard.Core.Transport.Connections;

/// <summary>
/// Which endpoints runners may register and Guard may call (<c>Runners:AllowedEndpoints</c>, followed as it is reloaded). Names are
/// judged twice: when registered, and, by each address they resolve to, when connected. Thread-safe.
/// </summary>
/// <remarks>
/// Without a list every address is allowed but the reserved ones (<see cref="AddressRange"/>). With one, an address must be in a listed
/// CIDR, or its host match a listed pattern; a pattern alone does not open reserved addresses, because whoever owns the name owns where
/// it points. Guard's own listeners are refused whatever is listed.
/// </remarks>
internal sealed class EndpointPolicy(LiveOptions options)
{
    /// <summary>Longest URL a runner may register, in characters.</summary>
    public const int MaxUrlLength = 2048;

    private volatile OwnListeners _own = OwnListeners.None;
    private volatile Rules _rules = Rules.From(options.Current);

    /// <summary>The operator has listed where endpoints may be, instead of everywhere but the reserved addresses.</summary>
    public bool HasList => Current().Entries is not null;

    /// <summary>Tells the policy where Guard listens, in place of what it was told before.</summary>
    public void SetOwnListeners(IEnumerable<IPEndPoint> endPoints) => _own = new OwnListeners(endPoints);

    /// <summary>True when <paramref name="text"/> is a CIDR, an address or a host pattern; for option validation.</summary>
    public static bool TryParseEntry(string? text, out EndpointEntry entry) => EndpointEntry.TryParse(text, out entry);

    /// <summary>Judges a URL that a runner or a runner-config names.</summary>
    /// <param name="url">As it was sent.</param>
    /// <param name="normalised">Scheme, host, port unless default, and path without a trailing slash; empty when refused.</param>
    /// <returns>Null when allowed, else what is wrong and what is allowed.</returns>
    public string? CheckUrl(string? url, out string normalised)
    {
        normalised = "";
        if (string.IsNullOrEmpty(url) || url.Length > MaxUrlLength)
        {
            return $"must be an absolute http or https URL of at most {MaxUrlLength} characters";
        }

        // What a URL parser may drop or bend is refused first: spaces, control characters, backslashes, non-ASCII hosts (use punycode).
        if (url.AsSpan().ContainsAnyExceptInRange('!', '~') || url.Contains('\\'))
        {
            return "must be printable ASCII without spaces or backslashes";
        }

        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps))
        {
            return "must be an absolute http or https URL";
        }

        if (Authority(url).Contains('@'))
        {
            return "must not carry user information";
        }

        if (url.AsSpan().ContainsAny('?', '#'))
        {
            return "must not have a query or a fragment";
        }

        var host = uri.IdnHost.TrimEnd('.');
        if (host.Length == 0 || uri.Port is <= 0 or > 65_535)
        {
            return "must name a host and a port from 1 to 65535";
        }

        if (CheckHost(host, uri.Port) is { } problem)
        {
            return problem;
        }

        normalised = uri.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped).TrimEnd('/');
        return null;
    }

    /// <summary>Judges an address at connect.</summary>
    /// <param name="host">The name or address the URL gave.</param>
    /// <param name="address">What it resolved to.</param>
    /// <param name="port">The port to be called.</param>
    public bool IsAllowed(string host, IPAddress address, int port)
    {
        address = AddressRange.Plain(address);
        if (_own.Match(address, port))
        {
            return false;
        }

        var rules = Current();
        return rules.Entries is null
            ? !AddressRange.IsReserved(address)
            : rules.Contains(address) || (!AddressRange.IsReserved(address) && rules.Matches(Lower(host)));
    }

    private static string Authority(string url)
    {
        var start = url.IndexOf("//", StringComparison.Ordinal) + 2;
        var end = url.IndexOfAny(['/', '?', '#'], start);
        return end < 0 ? url[start..] : url[start..end];
    }

    private static string Lower(string host) => host.Trim('[', ']').TrimEnd('.').ToLowerInvariant();

    private string? CheckHost(string host, int port)
    {
        if (IPAddress.TryParse(host, out var address))
        {
            return IsAllowed(host, address, port) ? null : "points to an address that is not allowed for runners";
        }

        var name = Lower(host);
        if (MeansThisMachine(name) && (_own.Match(IPAddress.Loopback, port) || _own.Match(IPAddress.IPv6Loopback, port)))
        {
            return "points to Guard itself";
        }

        // What a name resolves to is known, and judged, only at connect: a list with CIDRs cannot refuse it here.
        var rules = Current();
        return rules.Entries is null || rules.Matches(name) || rules.HasNetworks ? null : "names a host that is not allowed for runners";
    }

    private static bool MeansThisMachine(string name)
        => name == "localhost" || name.EndsWith(".localhost", StringComparison.Ordinal)
            || name.Equals(Dns.GetHostName(), StringComparison.OrdinalIgnoreCase);

    private Rules Current()
    {
        var current = options.Current;
        var rules = _rules;
        if (!ReferenceEquals(rules.Source, current))
        {
            // Racing readers compile the same snapshot twice at worst.
            _rules = rules = Rules.From(current);
        }

        return rules;
    }

    /// <summary>One options snapshot's list, compiled. <paramref name="Entries"/> is null when nothing is listed.</summary>
    private sealed record Rules(GuardOptions Source, EndpointEntry[]? Entries)
    {
        public bool HasNetworks { get; } = Entries?.Any(e => e.IsNetwork) ?? false;

        public static Rules From(GuardOptions source)
        {
            var listed = source.Runners.AllowedEndpoints;
            if (listed is null or [])
            {
                return new Rules(source, null);
            }

            // An entry that does not parse was refused by validation; were one to slip through, it must not widen the list.
            return new Rules(source, listed.Select(t => TryParseEntry(t, out var e) ? e : null).OfType<EndpointEntry>().ToArray());
        }

        public bool Contains(IPAddress address) => Entries!.Any(e => e.Contains(address));

        public bool Matches(string host) => Entries!.Any(e => e.Matches(host));
    }
}
