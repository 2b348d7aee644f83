using System.Globalization;

namespace Guard.Baseline;

/// <summary>The command line: a mode, <c>--name value</c> and switches.</summary>
internal sealed class Arguments(string[] args)
{
    public string Mode => args.Length > 0 ? args[0] : "";

    /// <summary>Always on loopback.</summary>
    public int Port => Number("--port") ?? throw new ArgumentException("--port is missing");

    public int? H2Port => Number("--h2c-port");

    public string? Value(string name)
    {
        var at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
    }

    public bool Has(string name) => Array.IndexOf(args, name) >= 0;

    private int? Number(string name) => Value(name) is { } text ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : null;
}
