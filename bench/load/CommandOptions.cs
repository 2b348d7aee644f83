using System.Globalization;

namespace Guard.Load;

/// <summary>The command line: a command, then <c>--name value</c> pairs. Every option has bounds; unknown ones are an error.</summary>
internal sealed class CommandOptions
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    public CommandOptions(string[] args)
    {
        Command = args.Length > 0 ? args[0] : "";
        for (var i = 1; i < args.Length; i++)
        {
            if (!args[i].StartsWith("--", StringComparison.Ordinal))
            {
                throw new LoadException($"'{args[i]}' is no option");
            }

            var hasValue = i + 1 < args.Length && !args[i + 1].StartsWith("--", StringComparison.Ordinal);
            if (!_values.TryAdd(args[i][2..], hasValue ? args[i + 1] : ""))
            {
                throw new LoadException($"{args[i]} is there twice");
            }

            i += hasValue ? 1 : 0;
        }
    }

    public string Command { get; }

    public string? Text(string name)
    {
        _read.Add(name);
        return _values.GetValueOrDefault(name);
    }

    public string Text(string name, string otherwise) => Text(name) ?? otherwise;

    public bool Flag(string name) => Text(name) is not null;

    public string[] List(string name, string otherwise)
        => Text(name, otherwise).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    public int Number(string name, int otherwise, int min, int max) => Bounded(name, Text(name), otherwise, min, max);

    public int[] Numbers(string name, string otherwise, int min, int max)
        => [.. List(name, otherwise).Select(text => Bounded(name, text, 0, min, max))];

    /// <summary>Call when all options have been read: what is left nobody knows.</summary>
    public void End()
    {
        if (_values.Keys.FirstOrDefault(name => !_read.Contains(name)) is { } unknown)
        {
            throw new LoadException($"--{unknown} is not known to '{Command}'; it knows {string.Join(", ", _read.Order().Select(n => $"--{n}"))}");
        }
    }

    private static int Bounded(string name, string? text, int otherwise, int min, int max)
        => text is null ? otherwise
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max ? number
            : throw new LoadException($"--{name} takes a number from {min} to {max}");
}
