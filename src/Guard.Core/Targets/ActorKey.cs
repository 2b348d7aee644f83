using System.Text;

namespace Guard.Core.Targets;

/// <summary>
/// An actor's key: a list of parts. Serialised, parts are joined by <c>/</c>, <c>\</c> and <c>/</c> inside a part are escaped with
/// <c>\</c>, an empty part is <c>\0</c> and the empty list is <c>/</c>.
/// </summary>
internal static class ActorKey
{
    /// <summary>Most UTF-8 bytes of a serialised key.</summary>
    public const int MaxBytes = 1024;

    /// <summary>The serialised key for an <c>x-rivet-actor-key</c> header: UTF-8, percent-encoded outside <c>!</c> to <c>~</c> and for <c>%</c>.</summary>
    public static string ToHeaderValue(string key)
    {
        var result = new StringBuilder(key.Length);
        foreach (var b in Encoding.UTF8.GetBytes(key))
        {
            if (b is >= (byte)'!' and <= (byte)'~' and not (byte)'%')
            {
                result.Append((char)b);
            }
            else
            {
                result.Append('%').Append(b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
            }
        }

        return result.ToString();
    }
}
