using System.Text;

namespace Guard.Scenarios.Edge.Wire;

/// <summary>One field line, the value without the whitespace around it (Latin-1).</summary>
internal sealed record WireHeader(string Name, string Value)
{
    public bool Is(string name) => Name.Equals(name, StringComparison.OrdinalIgnoreCase);
}

/// <summary>One HTTP/1 request as it stands on the wire, its body without the framing.</summary>
/// <param name="IsComplete">False when the connection ended within the body.</param>
internal sealed record WireRequest(
    string Method, string Target, string Version, IReadOnlyList<WireHeader> Headers, byte[] Body, bool IsComplete)
{
    public string[] Values(string name) => [.. Headers.Where(h => h.Is(name)).Select(h => h.Value)];

    public string BodyText => Encoding.Latin1.GetString(Body);
}

/// <summary>One reply as a client sees it.</summary>
internal sealed record WireReply(int Status, IReadOnlyList<WireHeader> Headers, byte[] Body)
{
    public string[] Values(string name) => [.. Headers.Where(h => h.Is(name)).Select(h => h.Value)];

    public string? Error => Values("x-rivet-error") is [var one] ? one : null;

    public string BodyText => Encoding.Latin1.GetString(Body);

    public bool ClosesConnection => Values("connection").Contains("close", StringComparer.OrdinalIgnoreCase);
}
