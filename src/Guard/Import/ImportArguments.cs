using Guard.Model.Text;

namespace Guard.Import;

/// <summary>The command line of <c>guard import</c>. Immutable.</summary>
/// <param name="File">Of NDJSON; <see cref="StandardInput"/> for the standard input.</param>
/// <param name="Namespace">Of actors whose line names none; null when it was not given.</param>
/// <param name="Cursor">Where the cursor is kept; null for nowhere.</param>
/// <param name="Restart">A cursor there is not looked at.</param>
/// <param name="Configuration">Everything else: keys of the configuration, as for the server.</param>
internal sealed record ImportArguments(string File, string? Namespace, string? Cursor, bool Restart, string[] Configuration)
{
    public const string StandardInput = "-";

    private const string Usage = "usage: guard import --file FILE|- [--namespace default] [--cursor FILE.cursor] [--restart] [--Guard:KEY=VALUE …]";

    /// <summary>Options of the host that are no keys with a colon.</summary>
    private static readonly string[] HostOptions = ["--environment", "--contentRoot"];

    public bool IsStandardInput => File == StandardInput;

    /// <summary>Null, with what is wrong, when they cannot be used.</summary>
    public static ImportArguments? Read(ReadOnlySpan<string> args, out string problem)
    {
        var configuration = new List<string>();
        string? file = null, @namespace = null, cursor = null;
        var restart = false;
        problem = "";
        for (var i = 0; i < args.Length && problem.Length == 0; i++)
        {
            var (name, value) = args[i].Split('=', 2) is [var left, var right] ? (left, right) : (args[i], null);
            if (name == "--restart" && value is null)
            {
                restart = true;
                continue;
            }

            var isOwn = name is "--file" or "--namespace" or "--cursor";
            if (!isOwn && (!name.StartsWith('-') || !(name.Contains(':', StringComparison.Ordinal) || HostOptions.Contains(name, StringComparer.OrdinalIgnoreCase))))
            {
                // The configuration would ignore it, and take a mistyped --restart for a key whose value is the next argument.
                problem = $"'{args[i]}' is not an argument of import; {Usage}";
                break;
            }

            value ??= ++i < args.Length ? args[i] : null;
            if (string.IsNullOrEmpty(value))
            {
                problem = $"{name} has no value; {Usage}";
            }
            else if (!isOwn)
            {
                configuration.Add($"{name}={value}");
            }

            (file, @namespace, cursor) = name switch
            {
                "--file" => (value, @namespace, cursor),
                "--namespace" => (file, value, cursor),
                "--cursor" => (file, @namespace, value),
                _ => (file, @namespace, cursor),
            };
        }

        problem = problem.Length > 0 ? problem
            : file is null ? $"--file is missing; {Usage}"
            : file != StandardInput && !System.IO.File.Exists(file) ? $"--file '{file}' does not exist"
            : file == StandardInput && (cursor is not null || restart) ? "--cursor and --restart need a file: the standard input cannot be read again"
            : @namespace is not null && !NameRules.IsLabel(@namespace) ? $"--namespace: {NameRules.LabelAllowed}"
            : "";
        return problem.Length > 0
            ? null
            : new(file!, @namespace, file == StandardInput ? null : cursor ?? $"{file}.cursor", restart, [.. configuration]);
    }
}
