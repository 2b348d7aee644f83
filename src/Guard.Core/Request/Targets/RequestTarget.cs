using System.Buffers;
using Guard.Core.Errors;

namespace Guard.Core.Request.Targets;

/// <summary>A raw request target, checked and split without changing a byte. The absolute form's scheme and authority are left out.</summary>
internal readonly ref struct RequestTarget
{
    /// <summary>Visible ASCII without <c>#</c>.</summary>
    private static readonly SearchValues<char> Forwardable = SearchValues.Create(
        "!\"$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    private RequestTarget(string raw, int pathStart, int pathEnd)
    {
        Raw = raw;
        PathStart = pathStart;
        PathEnd = pathEnd;
    }

    /// <summary>The target as it stood in the request line.</summary>
    public string Raw { get; }

    /// <summary>Where the path begins in <see cref="Raw"/>.</summary>
    public int PathStart { get; }

    /// <summary>Where the path ends and <c>?</c>, if there is a query, stands in <see cref="Raw"/>.</summary>
    public int PathEnd { get; }

    /// <summary>Starts with <c>/</c>, except in the asterisk and authority forms, which have no path.</summary>
    public ReadOnlySpan<char> Path => PathStart == PathEnd ? "/" : Raw.AsSpan(PathStart, PathEnd - PathStart);

    /// <summary>Without <c>?</c>; empty when there is none.</summary>
    public ReadOnlySpan<char> Query => PathEnd < Raw.Length ? Raw.AsSpan(PathEnd + 1) : [];

    /// <summary>Splits a target. Refuses what cannot be forwarded byte for byte: characters that are not visible ASCII, and
    /// <c>#</c>, which a target cannot have and an HTTP client would take for the start of a fragment and drop.</summary>
    public static GuardError? Read(string raw, out RequestTarget target)
    {
        target = default;
        var refused = raw.AsSpan().IndexOfAnyExcept(Forwardable);
        if (refused >= 0)
        {
            return GuardErrors.InvalidRequest(raw[refused] == '#'
                ? "The request target holds '#'; a fragment is never sent, and '#' in a name or value is written %23."
                : "The request target holds a byte that is not visible ASCII; allowed are '!' to '~' except '#', others percent-encoded.");
        }

        var start = 0;
        if (!raw.StartsWith('/') && SchemeLength(raw) is > 0 and var scheme)
        {
            var authorityLength = raw.AsSpan(scheme).IndexOfAny('/', '?');
            start = authorityLength < 0 ? raw.Length : scheme + authorityLength;
            if (start == scheme || raw.AsSpan(scheme, start - scheme).ContainsAny('\\', '@'))
            {
                return GuardErrors.InvalidRequest("The authority of the absolute request target is not valid.");
            }
        }

        var query = raw.IndexOf('?', start);
        target = new RequestTarget(raw, start, query < 0 ? raw.Length : query);
        return null;
    }

    /// <summary>The length of <c>scheme://</c>; 0 when the target does not begin with one.</summary>
    private static int SchemeLength(ReadOnlySpan<char> raw)
    {
        var length = raw.IndexOf("://");
        if (length <= 0 || !char.IsAsciiLetter(raw[0]))
        {
            return 0;
        }

        foreach (var c in raw[..length])
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.'))
            {
                return 0;
            }
        }

        return length + 3;
    }
}
