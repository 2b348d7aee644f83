using System.Net;
using Guard.Core.Options;
using Guard.Core.Runners;

namespace Guard.Core.Forwarding;

/// <summary>The peers whose <c>x-forwarded-*</c> headers are believed (<c>Gateway:TrustedProxies</c>). Immutable; thread-safe.</summary>
internal sealed class TrustedProxies
{
    private readonly EndpointEntry[] _networks;

    public TrustedProxies(LiveOptions options)
        => _networks = (options.Current.Gateway.TrustedProxies ?? []).Select(t => TryParse(t, out var n) ? n : null).OfType<EndpointEntry>().ToArray();

    /// <summary>Reads one entry, a CIDR or an address; for option validation.</summary>
    public static bool TryParse(string? text, out EndpointEntry network) => EndpointEntry.TryParse(text, out network) && network.IsNetwork;

    /// <param name="peer">In plain form; null (no socket) is never trusted.</param>
    public bool Contains(IPAddress? peer)
    {
        if (peer is not null)
        {
            foreach (var network in _networks)
            {
                if (network.Contains(peer))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
