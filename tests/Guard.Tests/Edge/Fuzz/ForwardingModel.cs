using System.Net;
using Guard.Tests.Edge.Wire;

namespace Guard.Tests.Edge.Fuzz;

/// <summary>What the runner must see of a request that Guard forwards, worked out from docs/contract.md, sections 2 and 3 alone. It does not say
/// whether Guard has to forward it: refusing is always right.</summary>
internal sealed class ForwardingModel(string actorId)
{
    private static readonly HashSet<string> Removed = new(StringComparer.OrdinalIgnoreCase)
    {
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authentication-info", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade", "http2-settings", "x-rivet-target", "x-rivet-actor", "x-rivet-actor-key", "x-rivet-actor-generation", "x-rivet-token",
        "x-rivet-skip-ready-wait", "x-rivet-ray-id", "x-rivet-error", "forwarded", "x-real-ip", "x-content-length",
        "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "traceparent", "tracestate", "host", "content-length",
    };

    /// <summary>Null when <paramref name="seen"/> is what <paramref name="sent"/> becomes; else what differs.</summary>
    public string? Compare(WireRequest sent, WireRequest seen, IPAddress client)
    {
        if (seen.Method != sent.Method)
        {
            return $"method {seen.Method}";
        }

        if (seen.Target != Target(sent.Target))
        {
            return $"target {seen.Target}, not {Target(sent.Target)}";
        }

        if (seen.IsComplete ? !seen.Body.AsSpan().SequenceEqual(sent.Body) : !sent.Body.AsSpan().StartsWith(seen.Body))
        {
            return $"body '{seen.BodyText}', not '{sent.BodyText}'";
        }

        return CompareOwn(sent, seen, client) ?? CompareHeaders(sent, seen);
    }

    /// <summary>What Guard itself says: each once, whatever the client sent.</summary>
    private string? CompareOwn(WireRequest sent, WireRequest seen, IPAddress client)
    {
        // HTTP/1.0 may leave the host out; the authority of an absolute form is passed on as URIs write it, which makes 0.0.0.4 of 4.
        var host = sent.Values("host") is not [var given] ? "" : Authority(sent.Target) is { } authority ? new Uri("http://" + authority).Authority : given;
        (string Name, string? Value)[] own =
        [
            ("x-rivet-actor", actorId), ("x-rivet-actor-key", "k1"), ("x-rivet-actor-generation", "1"), ("x-rivet-ray-id", null), ("traceparent", null),
            ("x-forwarded-for", client.ToString()), ("x-forwarded-proto", "http"), .. host.Length == 0 ? [] : new (string, string?)[] { ("host", host), ("x-forwarded-host", host) },
        ];
        foreach (var (name, value) in own)
        {
            if (seen.Values(name) is not [var only] || (value is not null && !only.Equals(value, name.EndsWith("host", StringComparison.Ordinal) ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal)))
            {
                return $"{name}: {string.Join(" | ", seen.Values(name))}, not {value}";
            }
        }

        return null;
    }

    private static string? CompareHeaders(WireRequest sent, WireRequest seen)
    {
        var named = sent.Values("connection").SelectMany(v => v.Split(',')).Select(t => t.Trim(' ', '\t')).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var mayDrop = named.Except(["host", "content-length", "keep-alive", "close", "upgrade"], StringComparer.OrdinalIgnoreCase).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var expected = Group(sent.Headers.Where(h => !Removed.Contains(h.Name) && !h.Name.Contains('_', StringComparison.Ordinal)
            && !h.Name.StartsWith("x-guard-", StringComparison.OrdinalIgnoreCase)));
        var actual = Group(seen.Headers.Where(h => !Removed.Contains(h.Name)));
        foreach (var (name, value) in actual)
        {
            if (!expected.TryGetValue(name, out var wanted) || wanted != value)
            {
                return $"{name}: '{value}', not '{wanted}'";
            }
        }

        // A name that Connection lists is dropped, unless its line was replaced by the server (docs/security.md): never the other way round.
        var missing = expected.Keys.Where(n => !actual.ContainsKey(n) && !mayDrop.Contains(n)).ToArray();
        return missing.Length == 0 ? null : $"without {string.Join(", ", missing)}";
    }

    private static Dictionary<string, string> Group(IEnumerable<WireHeader> headers)
        => headers.GroupBy(h => h.Name, StringComparer.OrdinalIgnoreCase).ToDictionary(
            g => g.Key,
            g => string.Join(g.Key.Equals("cookie", StringComparison.OrdinalIgnoreCase) ? "; " : ", ", g.Select(h => h.Value)).Trim(' ', '\t'),
            StringComparer.OrdinalIgnoreCase);

    private static string? Authority(string target)
    {
        if (target.StartsWith('/') || target.IndexOf("://", StringComparison.Ordinal) is not (> 0 and var scheme))
        {
            return null;
        }

        var rest = target[(scheme + 3)..];
        var end = rest.IndexOfAny(['/', '?']);
        return end < 0 ? rest : rest[..end];
    }

    private static string Target(string raw)
    {
        if (Authority(raw) is { } authority)
        {
            raw = raw[(raw.IndexOf("://", StringComparison.Ordinal) + 3 + authority.Length)..];
        }

        var question = raw.IndexOf('?', StringComparison.Ordinal);
        var path = question < 0 ? raw : raw[..question];
        var query = question < 0 ? null : raw[(question + 1)..];
        if (path.StartsWith("/gateway/", StringComparison.Ordinal))
        {
            var end = path.IndexOf('/', "/gateway/".Length);
            path = end < 0 ? "" : path[end..];
        }

        if (query is not null && query.Split('&') is var parts && parts.Any(p => p.StartsWith("rvt-", StringComparison.Ordinal)))
        {
            var kept = parts.Where(p => p.Length > 0 && !p.StartsWith("rvt-", StringComparison.Ordinal)).ToArray();
            query = kept.Length == 0 ? null : string.Join('&', kept);
        }

        return (path.Length == 0 ? "/" : path) + (query is null ? "" : "?" + query);
    }
}
