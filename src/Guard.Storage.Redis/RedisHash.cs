using System.Globalization;
using Guard.Model.Ids;
using Guard.Model.Stores;
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
    public static RedisHash? From(RedisReply reply)
    {
        if (reply.IsNull || reply.Length <= 0)
        {
            return null;
        }

        var hash = new RedisHash();
        for (var i = 0; i + 1 < reply.Length; i += 2)
        {
            hash._fields[reply[i].Text] = reply[i + 1].Value;
        }

        return hash;
    }

    /// <summary>As <see cref="From(RedisReply)"/>, for a record that must be there.</summary>
    public static RedisHash Of(RedisReply reply) => From(reply) ?? throw Unreadable("a record in Redis is not there that its script has found");

    public bool Has(string field) => _fields.ContainsKey(field);

    public string? Text(string field) => _fields.TryGetValue(field, out var value) ? (string?)value : null;

    public byte[]? Bytes(string field) => _fields.TryGetValue(field, out var value) ? (byte[]?)value : null;

    public long Number(string field)
        => Text(field) is not { } text ? 0
            : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
            : throw Unreadable($"field {field} of a record in Redis is no number");

    /// <summary>A field that must be there.</summary>
    public string Required(string field) => Text(field) ?? throw Unreadable($"a record in Redis has no field {field}");

    /// <summary>A field that is the number of a member of an enum.</summary>
    public T Choice<T>(string field)
        where T : struct, Enum
    {
        var number = Number(field);
        return number is >= 0 and <= int.MaxValue && (T)Enum.ToObject(typeof(T), number) is var choice && Enum.IsDefined(choice)
            ? choice
            : throw Unreadable($"field {field} of a record in Redis is no {typeof(T).Name}: {number}");
    }

    /// <summary>A pool written as <c>namespace/pool</c>; null when it is not.</summary>
    public static PoolId? ParsePool(string? text)
        => text is not null && text.IndexOf('/', StringComparison.Ordinal) is var slash and > 0
            ? new PoolId(text[..slash], text[(slash + 1)..])
            : null;

    /// <summary>As <see cref="ParsePool"/>, for an entry that names a pool or is not there.</summary>
    public static PoolId? ReadPool(string? text) => text is null ? null : ParsePool(text) ?? throw Unreadable("an entry of an index in Redis names no pool");

    public static ActorId ReadActor(string text) => ActorId.TryParse(text, out var id) ? id : throw Unreadable("a text in Redis is no actor id");

    public static StoreException Unreadable(string what, Exception? inner = null) => new(StoreFailure.Unreadable, what, inner);
}
