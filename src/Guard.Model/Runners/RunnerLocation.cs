using Guard.Model.Ids;

namespace Guard.Model.Runners;

/// <summary>
/// Where a runner is, as the transport that reaches it reads it; to everybody else one value, and to a store one text
/// (<see cref="ToString"/>, <see cref="Parse"/>). Immutable, compared by value.
/// </summary>
/// <remarks>
/// The text is the transport's name, a space, and what that transport needs; its form is part of the stored format. A transport that is
/// new has a case of its own here, with a first word of its own.
/// </remarks>
internal abstract record RunnerLocation
{
    private const string HttpWord = "http", ImplicitWord = "implicit", Http1Word = "http1", H2cWord = "h2c";

    private RunnerLocation()
    {
    }

    /// <summary>As the control API shows it: the URL that was registered.</summary>
    public abstract string Endpoint { get; }

    /// <summary>What its transport speaks there.</summary>
    public abstract RunnerProtocol Protocol { get; }

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <exception cref="FormatException">It is no location, or one of a transport that this build does not know.</exception>
    public static RunnerLocation Parse(string text)
    {
        var (transport, rest) = Cut(text);
        return transport switch
        {
            HttpWord => ParseHttp(rest),
            ImplicitWord => new Implicit(ParseHttp(rest)),
            _ => throw new FormatException("a runner's location names a transport that this build does not know"),
        };
    }

    /// <summary>The canonical text: equal locations, and no others, have the same one.</summary>
    public sealed override string ToString() => Write();

    private protected abstract string Write();

    private static Http ParseHttp(string text)
    {
        var (protocol, rest) = Cut(text);
        var (url, key) = Cut(rest);
        return (protocol, url) switch
        {
            (Http1Word, not "") => new(url, RunnerProtocol.Http1, key is "" ? null : key),
            (H2cWord, not "") => new(url, RunnerProtocol.H2c, key is "" ? null : key),
            _ => throw new FormatException("a runner's location is not a protocol and a URL"),
        };
    }

    private static (string Word, string After) Cut(string text)
    {
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        return space < 0 ? (text, "") : (text[..space], text[(space + 1)..]);
    }

    /// <summary>It listens at a URL, and has start and stop calls there.</summary>
    public sealed record Http : RunnerLocation
    {
        /// <param name="url">Its base URL without a trailing slash and without a space.</param>
        /// <param name="protocol">What it speaks.</param>
        /// <param name="routingKey">Sent as <c>x-rivet-runner-key</c> when a platform routes on it; null or empty otherwise.</param>
        /// <exception cref="FormatException">The URL is empty or has a space.</exception>
        public Http(string url, RunnerProtocol protocol, string? routingKey = null)
        {
            Url = url is not "" && !url.Contains(' ', StringComparison.Ordinal) ? url : throw new FormatException("a runner's URL is empty or has a space");
            Protocol = protocol;
            RoutingKey = routingKey is "" ? null : routingKey;
        }

        public string Url { get; }

        public override RunnerProtocol Protocol { get; }

        public string? RoutingKey { get; }

        public override string Endpoint => Url;

        /// <summary><see cref="RoutingKey"/> as it is sent: the runner chose it, and whatever is in it must stay inside this one header.</summary>
        public string? RoutingKeyHeader => RoutingKey is null ? null : ActorKey.ToHeaderValue(RoutingKey);

        /// <summary>The URL has a path of its own, which stands before the actor's.</summary>
        public bool HasBasePath => Url.AsSpan("https://".Length).Contains('/');

        private protected override string Write()
            => $"{HttpWord} {(Protocol == RunnerProtocol.H2c ? H2cWord : Http1Word)} {Url}{(RoutingKey is null ? "" : " ")}{RoutingKey}";
    }

    /// <summary>As <see cref="Http"/>, without start and stop calls: an actor is ready as soon as it has a slot and gone as soon as it is
    /// told to stop. Nothing fences generations there. Only what Guard itself registers may be.</summary>
    /// <param name="At">Where it listens.</param>
    public sealed record Implicit(Http At) : RunnerLocation
    {
        public override string Endpoint => At.Url;

        public override RunnerProtocol Protocol => At.Protocol;

        private protected override string Write() => $"{ImplicitWord} {At.Write()[(HttpWord.Length + 1)..]}";
    }
}
