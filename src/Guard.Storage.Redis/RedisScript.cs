using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Guard.Storage.Redis;

/// <summary>
/// One of the scripts in <c>Scripts/</c>: its text, with the shared parts it names before it, and the hash Redis knows it by. A script
/// names a part with a first line such as <c>--! use: clock, actor</c>; a part may use other parts. Immutable.
/// </summary>
internal sealed class RedisScript
{
    private const string UseMark = "--! use:";

    [SuppressMessage("Security", "CA5350", Justification = "SHA-1 is how Redis names scripts")]
    private RedisScript(string name, string text)
    {
        Name = name;
        Text = text;
        Hash = SHA1.HashData(Encoding.UTF8.GetBytes(text));
    }

    /// <summary>The file's name without <c>.lua</c>; the <c>op</c> of metrics.</summary>
    public string Name { get; }

    public string Text { get; }

    public byte[] Hash { get; }

    /// <summary>Reads a script from this assembly.</summary>
    /// <param name="name">The file's name without <c>.lua</c>.</param>
    /// <param name="format">Of the store: the part <c>location</c> is <c>location_{format}</c>.</param>
    /// <param name="clock">Stands in for the part <c>clock</c>: tests move the time of a real Redis with it. Null for the part itself.</param>
    public static RedisScript Load(string name, int format, string? clock = null)
    {
        var text = new StringBuilder();
        Append(name, text, [], format, clock);
        return new(name, text.ToString());
    }

    private static void Append(string name, StringBuilder text, HashSet<string> included, int format, string? clock)
    {
        if (!included.Add(name))
        {
            return;
        }

        var source = name switch
        {
            "clock" when clock is not null => clock,
            "location" => Read(FormattableString.Invariant($"location_{format}")),
            _ => Read(name),
        };
        if (source.StartsWith(UseMark, StringComparison.Ordinal))
        {
            foreach (var part in source[UseMark.Length..source.IndexOf('\n', StringComparison.Ordinal)].Split(',', StringSplitOptions.TrimEntries))
            {
                Append(part, text, included, format, clock);
            }
        }

        text.Append(source).Append('\n');
    }

    private static string Read(string name)
    {
        using var stream = typeof(RedisScript).Assembly.GetManifestResourceStream($"Guard.Storage.Redis.Scripts.{name}.lua")
            ?? throw new ArgumentException($"there is no script {name}", nameof(name));
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
