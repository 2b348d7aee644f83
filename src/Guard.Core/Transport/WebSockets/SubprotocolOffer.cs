using Guard.Core.Net;
using Microsoft.Extensions.Primitives;

namespace Guard.Core.Transport.WebSockets;

/// <summary>What a WebSocket client offered in <c>Sec-WebSocket-Protocol</c>, without the tokens that were meant for Guard.</summary>
/// <param name="Forwarded">What the runner is offered; empty when nothing is left.</param>
/// <param name="OffersRivet">Whether <c>rivet</c> was offered.</param>
internal readonly record struct SubprotocolOffer(StringValues Forwarded, bool OffersRivet)
{
    public const string Rivet = "rivet";

    public static SubprotocolOffer Parse(StringValues offered)
    {
        bool rivet = false, removed = false;
        List<string>? kept = null;
        foreach (var line in offered)
        {
            foreach (var range in line.AsSpan().Split(','))
            {
                var token = line.AsSpan()[range].Trim();
                rivet |= token.SequenceEqual(Rivet);
                if (RivetSubprotocols.IsForGuard(token))
                {
                    removed = true;
                }
                else if (!token.IsEmpty)
                {
                    (kept ??= []).Add(token.ToString());
                }
            }
        }

        if (!removed)
        {
            return new(offered, rivet);
        }

        return new(kept is null ? StringValues.Empty : string.Join(", ", kept), rivet);
    }
}
