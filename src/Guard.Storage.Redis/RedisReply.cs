using Guard.Model.Stores;
using StackExchange.Redis;

namespace Guard.Storage.Redis;

/// <summary>What a script replied. To read it as something that it is not throws <see cref="StoreFailure.Unreadable"/>.</summary>
internal readonly struct RedisReply(RedisResult result)
{
    public bool IsNull => result.IsNull;

    /// <summary>How many items a list has; -1 for what is no list.</summary>
    public int Length => result.Length;

    /// <summary>A text that must be there.</summary>
    public string Text => (string?)this ?? throw Unreadable(null);

    /// <summary>A list of texts that must all be there.</summary>
    public string[] Texts => Array.ConvertAll(
        Read<string?[]?>(result, static r => (string?[]?)r) ?? throw Unreadable(null), static text => text ?? throw Unreadable(null));

    public RedisValue Value => Read(result, static r => (RedisValue)r);

    public RedisReply this[int index] => index < Length ? new(result[index]) : throw Unreadable(null);

    public static explicit operator string?(RedisReply reply) => Read(reply.Result, static r => (string?)r);

    public static explicit operator byte[]?(RedisReply reply) => Read(reply.Result, static r => (byte[]?)r);

    public static explicit operator int(RedisReply reply) => Read(reply.Result, static r => (int)r);

    public static explicit operator long(RedisReply reply) => Read(reply.Result, static r => (long)r);

    private RedisResult Result => result;

    private static T Read<T>(RedisResult result, Func<RedisResult, T> read)
    {
        try
        {
            return read(result);
        }
        catch (Exception e) when (e is InvalidCastException or FormatException or OverflowException or RedisException)
        {
            throw Unreadable(e);
        }
    }

    private static StoreException Unreadable(Exception? inner)
        => new(StoreFailure.Unreadable, "a reply of Redis is not of the form that Guard's script gives it", inner);
}
