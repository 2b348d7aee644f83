using Guard.Core.Errors;
using Guard.Model.Text;

namespace Guard.Core.Request.Targets;

/// <summary>The part of a path that names an actor, <c>/gateway/{segment}</c>.</summary>
internal static class GatewayPath
{
    private const string Prefix = "/gateway";

    /// <summary>Whether the path is of the path forms. The actor's own part follows <paramref name="prefixLength"/> characters.
    /// <c>//</c> before it makes it no gateway path.</summary>
    /// <param name="path">The raw path.</param>
    /// <param name="segment">The raw segment that names the actor; empty in <c>/gateway</c> and <c>/gateway/</c>.</param>
    /// <param name="prefixLength">The length of what is cut before the path is forwarded.</param>
    public static bool TryMatch(ReadOnlySpan<char> path, out ReadOnlySpan<char> segment, out int prefixLength)
    {
        segment = [];
        prefixLength = path.Length;
        if (!path.StartsWith(Prefix))
        {
            return false;
        }

        var rest = path[Prefix.Length..];
        if (rest.IsEmpty)
        {
            return true;
        }

        if (rest[0] != '/' || rest.StartsWith("//"))
        {
            return false;
        }

        segment = rest[1..];
        var end = segment.IndexOf('/');
        segment = end < 0 ? segment : segment[..end];
        prefixLength = Prefix.Length + 1 + segment.Length;
        return true;
    }

    /// <summary>Refuses what servers and proxies read in different ways, in the part of a path that only Guard may interpret: dot
    /// segments, backslashes and control bytes, plain or encoded.</summary>
    public static GuardError? CheckNamingPart(ReadOnlySpan<char> part)
    {
        if (part.IndexOfAny('%', '.', '\\') < 0)
        {
            return null;
        }

        foreach (var range in part.Split('/'))
        {
            var segment = part[range];
            var dots = 0;
            var others = 0;
            for (var i = 0; i < segment.Length; i++)
            {
                var value = PercentReader.ByteAt(segment, i);
                i += value < 0 ? 0 : 2;
                value = value < 0 ? segment[i] : value;
                if (value is < ' ' or 0x7F or '\\')
                {
                    return GuardErrors.InvalidRequest(
                        "The path holds a backslash or a control byte before the actor's own part; it must be /gateway/{actor}/...");
                }

                dots += value == '.' ? 1 : 0;
                others += value == '.' ? 0 : 1;
            }

            if (others == 0 && dots is 1 or 2)
            {
                return GuardErrors.InvalidRequest(
                    "The path holds a dot segment before the actor's own part; it must be /gateway/{actor}/...");
            }
        }

        return null;
    }
}
