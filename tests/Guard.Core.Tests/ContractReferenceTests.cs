using System.Text.RegularExpressions;

namespace Guard.Core.Tests;

/// <summary>
/// docs/contract.md promises only what is there: outside its planned parts every option, error code and metric exists, with the default
/// and the reload that docs/configuration.md gives. Other tests hold docs/configuration.md and docs/errors.md to the code.
/// </summary>
public sealed partial class ContractReferenceTests
{
    private static readonly string Built = WithoutPlanned(Read("docs/contract.md"));

    [Fact]
    public void Option_InTheContract_IsInTheReferenceWithItsDefaultAndReload()
    {
        var reference = Read("docs/configuration.md");
        var rows = OptionRow().Matches(Built);

        Assert.NotEmpty(rows);
        foreach (Match row in rows)
        {
            var keys = Code().Matches(row.Groups["keys"].Value).Select(m => m.Groups[1].Value).ToArray();
            var defaults = Code().Matches(row.Groups["default"].Value).Select(m => m.Groups[1].Value).ToArray();
            var section = keys[0][..(keys[0].LastIndexOf(':') + 1)];
            for (var i = 0; i < keys.Length; i++)
            {
                var key = keys[i].Contains(':', StringComparison.Ordinal) ? keys[i] : section + keys[i];
                var value = defaults.Length == keys.Length ? Regex.Escape(defaults[i].Replace("\"", "", StringComparison.Ordinal)) : "[^`]*";
                Assert.Matches($@"(?m)^\| `Guard:{Regex.Escape(key)}` \| `?{value}`? \| {(row.Groups["reload"].Success ? "R" : "")} \|", reference);
            }
        }
    }

    [Fact]
    public void Error_InTheContract_IsInTheReference_AndTheOtherWayRound()
    {
        var codes = ErrorCode().Matches(Section(Built, "5")).Select(m => m.Value).ToHashSet();
        var reference = ErrorCode().Matches(Read("docs/errors.md")).Select(m => m.Value).ToHashSet();

        Assert.Equal(reference.Order(), codes.Order());
    }

    [Fact]
    public void Metric_InTheContract_IsInTheCode()
    {
        var code = string.Concat(Directory.EnumerateFiles(Path.Combine(SourceRulesTests.RepositoryRoot(), "src"), "*Metrics.cs", SearchOption.AllDirectories).Select(File.ReadAllText));
        var metrics = Metric().Matches(Section(Built, "9"));

        Assert.NotEmpty(metrics);
        foreach (Match metric in metrics)
        {
            Assert.Contains($"\"{metric.Groups["name"].Value}\"", code, StringComparison.Ordinal);
        }
    }

    private static string Read(string page) => File.ReadAllText(Path.Combine(SourceRulesTests.RepositoryRoot(), page));

    private static string WithoutPlanned(string contract) => Planned().Replace(contract, "");

    private static string Section(string contract, string number) =>
        Regex.Match(contract, $@"(?ms)^## {number}\. .*?(?=^## |\z)").Value;

    // From a heading "Planned" to the next section.
    [GeneratedRegex(@"(?ms)^### Planned$.*?(?=^## )")]
    private static partial Regex Planned();

    [GeneratedRegex(@"(?m)^\| (?<keys>`[A-Z]\w*(:\w+)*`( / `\w+(:\w+)*`)*)(?<reload> R)? \| (?<default>[^|]*) \|")]
    private static partial Regex OptionRow();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();

    [GeneratedRegex("(?<=`)(guard|actor|namespace|datacenter|runner|api|core)\\.[a-z0-9_]+(?=`)")]
    private static partial Regex ErrorCode();

    [GeneratedRegex("`(?<name>guard_[a-z_]+)")]
    private static partial Regex Metric();
}
