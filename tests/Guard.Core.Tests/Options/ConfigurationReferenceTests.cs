using Guard.Core.Options;

namespace Guard.Core.Tests.Options;

/// <summary>docs/configuration.md says of every key what the code does.</summary>
public sealed class ConfigurationReferenceTests
{
    private const string RowStart = "| `Guard:";

    [Fact]
    public void Reference_EveryKey_HasTheRowOfItsDeclaration()
    {
        var expected = OptionKeys.All.Select(Row).ToArray();
        var actual = File.ReadLines(FindReference()).Where(line => line.StartsWith(RowStart, StringComparison.Ordinal)).ToArray();

        Assert.True(
            expected.SequenceEqual(actual),
            $"docs/configuration.md is out of step with OptionKeys. Its rows should be:\n{string.Join('\n', expected)}");
    }

    private static string Row(OptionKey key)
    {
        var defaults = new GuardOptions();
        var value = key.Format(defaults);
        var shown = value is "none" or "see meaning" ? value : $"`{value}`";
        return $"| `{key.FullName}` | {shown} | {(key.IsReloadable ? "R" : "")} | {Escape(key.Allowed)} | {Escape(key.Description)} |";
    }

    private static string Escape(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);

    private static string FindReference()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            var path = Path.Combine(directory.FullName, "docs", "configuration.md");
            if (File.Exists(path))
            {
                return path;
            }
        }

        throw new FileNotFoundException("docs/configuration.md is not above the tests");
    }
}
