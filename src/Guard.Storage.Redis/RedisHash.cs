using System.Globalization;
using Guard.Model.Ids;
using StackExchange.Redis;

namespace Guard.Storage.Redis;

/// <summary>The fields of one record, as a command or a script replied them. A field that is not there is null, 0 or false.</summary>
internal sealed class RedisHash
{
    private readonly Dictionary<string, RedisValue> _fields = [];

    private RedisHash()
    {
    }

    /// <summary>Null when there is no such record.</summary>
    public static RedisHash? From(HashEntry[] entries)
    {
        var hash = new RedisHash();
        foreach (var entry in entries)
        {
            hash._fields[entry.Name.ToString()] = entry.Value;
        }

        return entries.Length == 0 ? null : hash;
    }

    /// <summary>Reads a flat list of fields and values; null when it is empty.</summary>
    public static RedisHash? From(RedisResult reply)
    {
        if (reply.IsNull || reply.Length <= 0)
        {
            return null;
        }

        var hash = new RedisHash();
        for (var i = 0; i + 1 < reply.Length; i += 2)
        {
            hash._fields[(string)reply[i]!] = (RedisValue)reply[i + 1];
        }

        return hash;
    }

    public bool Has(string field) => _fields.ContainsKey(field);

    public string? Text(string field) => _fields.TryGetValue(field, out var value) ? (string?)value : null;

    public byte[]? Bytes(string field) => _fields.TryGetValue(field, out var value) ? (byte[]?)value : null;

    public long Number(string field)
        => Text(field) is not { } text ? 0
            : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
            : throw new FormatException($"field {field} of a record in Redis is no number");

    /// <summary>A pool written as <c>namespace/pool</c>; null when it is not.</summary>
    public static PoolId? ParsePool(string? text)
        => text is not null && text.IndexOf('/', StringComparison.Ordinal) is var slash and > 0
            ? new PoolId(text[..slash], text[(slash + 1)..])
            : null;
}
