using System.Net;
using Guard.Core.Options;

namespace Guard.Core.State.Serverless;

/// <summary>The calls Guard makes to a serverless endpoint, as docs/contract.md, section 8, spells them.</summary>
internal static class ServerlessRequest
{
    public static HttpRequestMessage Start(ServerlessTarget target, ControlOptions control)
    {
        var request = Create($"{target.Config.Url}/start", "text/event-stream", target.Config.Headers);
        if (control.AdvertisedUrl is { } advertised)
        {
            request.Headers.TryAddWithoutValidation("x-rivet-endpoint", advertised);
        }

        if (Token(control) is { } token)
        {
            request.Headers.TryAddWithoutValidation("x-rivet-token", token);
        }

        request.Headers.TryAddWithoutValidation("x-rivet-total-slots", target.Config.SlotsPerRunner.ToString(System.Globalization.CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation("x-rivet-runner-name", target.Pool.Name);
        request.Headers.TryAddWithoutValidation("x-rivet-namespace-name", target.Pool.Namespace);
        return request;
    }

    public static HttpRequestMessage Metadata(string url, IReadOnlyDictionary<string, string> headers)
        => Create($"{url}/metadata", "application/json", headers);

    /// <summary>What runners are to show at the control API: the first of <c>Control:RunnerTokens</c>, so that a new one is put first to be
    /// handed out while the old ones still count. Never <c>Control:Token</c>, which may do everything.</summary>
    public static string? Token(ControlOptions control) => control.RunnerTokens is [var first, ..] ? first : null;

    private static HttpRequestMessage Create(string url, string accept, IReadOnlyDictionary<string, string> headers)
    {
        // HTTP/2 would put the streams of all runners on one connection, to break together.
        var request = new HttpRequestMessage(HttpMethod.Get, url) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.TryAddWithoutValidation("accept", accept);
        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
            {
                // The client library keeps a fixed set of names with the body.
                request.Content ??= new ByteArrayContent([]);
                request.Content.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return request;
    }
}
