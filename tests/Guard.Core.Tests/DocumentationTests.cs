using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Guard.Core.Tests;

/// <summary>
/// Links of README and docs lead to a file and a heading that are there, every page is linked, the tests they name exist, and no file
/// cites a page that is not in the repository.
/// </summary>
public sealed partial class DocumentationTests
{
    private static readonly string Root = SourceRulesTests.RepositoryRoot();

    /// <summary>Folders whose texts are read. What a build leaves in them is not.</summary>
    private static readonly string[] Folders = ["src", "tests", "bench", "config", "docs"];

    [Fact]
    public void Links_OfEveryPage_LeadToAFileAndAHeading()
    {
        AssertNone(Pages().SelectMany(page => Link().Matches(WithoutCode(File.ReadAllText(page)))
            .Select(match => match.Groups[1].Value)
            .Where(target => !target.Contains("://", StringComparison.Ordinal) && !Leads(page, target))
            .Select(target => $"{Relative(page)}: {target}")));
    }

    [Fact]
    public void Page_NamedInAnyFile_IsInTheRepository()
    {
        AssertNone(Texts().SelectMany(file => PageName().Matches(File.ReadAllText(file))
            .Select(match => match.Value)
            .Where(name => !Exists(file, name))
            .Select(name => $"{Relative(file)}: {name}")));
    }

    [Fact]
    public void EveryPage_OfTheDocs_IsLinkedFromAnother()
    {
        var linked = Pages().SelectMany(page => Link().Matches(File.ReadAllText(page))
            .Select(match => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page)!, match.Groups[1].Value.Split('#')[0])))
            .Where(target => target != page)).ToHashSet();

        AssertNone(Directory.EnumerateFiles(Path.Combine(Root, "docs"), "*.md").Where(page => !linked.Contains(page)).Select(Relative));
    }

    [Fact]
    public void Test_NamedInADoc_Exists()
    {
        var tests = string.Concat(Directory.EnumerateFiles(Path.Combine(Root, "tests"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText));

        AssertNone(Pages().SelectMany(page => TestName().Matches(File.ReadAllText(page))
            .SelectMany(match => new[] { (match.Groups["class"].Value, "class {0}\\b"), (match.Groups["method"].Value, " {0}") })
            .Where(name => name.Item1.Length > 0 && !Regex.IsMatch(tests, string.Format(CultureInfo.InvariantCulture, name.Item2, name.Item1)))
            .Select(name => $"{Relative(page)}: {name.Item1}")));
    }

    private static void AssertNone(IEnumerable<string> faults)
    {
        var all = string.Join('\n', faults.Distinct());
        Assert.True(all.Length == 0, all);
    }

    private static IEnumerable<string> Pages() => Texts().Where(file => file.EndsWith(".md", StringComparison.Ordinal));

    private static IEnumerable<string> Texts() => Folders
        .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Root, folder), "*", SearchOption.AllDirectories))
        .Where(file => TextFile().IsMatch(file) && !BuildOutput().IsMatch(Relative(file)))
        .Concat(Directory.EnumerateFiles(Root).Where(file => TextFile().IsMatch(file)));

    private static bool Leads(string page, string target)
    {
        var parts = target.Split('#');
        var file = parts[0].Length == 0 ? page : Path.Combine(Path.GetDirectoryName(page)!, parts[0]);
        return (File.Exists(file) || Directory.Exists(file)) && (parts.Length == 1 || Anchors(file).Contains(parts[1]));
    }

    /// <summary>The anchors that a renderer makes of a page's headings: lower case, spaces as hyphens, other punctuation left out.</summary>
    private static HashSet<string> Anchors(string page)
    {
        var anchors = new HashSet<string>();
        foreach (Match heading in Heading().Matches(WithoutCode(File.ReadAllText(page))))
        {
            var anchor = new StringBuilder();
            foreach (var letter in heading.Groups[1].Value.ToLowerInvariant())
            {
                anchor.Append(letter == ' ' ? "-" : char.IsLetterOrDigit(letter) || letter is '-' or '_' ? letter.ToString() : "");
            }

            var name = anchor.ToString();
            for (var copy = 1; !anchors.Add(name); copy++)
            {
                name = $"{anchor}-{copy}";
            }
        }

        return anchors;
    }

    private static bool Exists(string file, string name) =>
        new[] { Path.GetDirectoryName(file)!, Root, Path.Combine(Root, "docs") }.Any(folder => File.Exists(Path.Combine(folder, name)));

    private static string WithoutCode(string page) => CodeBlock().Replace(page, "");

    private static string Relative(string file) => Path.GetRelativePath(Root, file).Replace('\\', '/');

    // [text](target)
    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    // A page in prose, a comment or a message, such as docs/redis.md; or the contract by a name in capitals, as comments once cited it.
    [GeneratedRegex(@"(?<![\w*{}/.-])[\w./-]*\w\.md\b|\bCONTRAC[T]\b")]
    private static partial Regex PageName();

    // `SomeTests`, `SomeTests.Method_State_Expected` or `Method_State…`.
    [GeneratedRegex(@"`(?<class>\w+(Tests|Scenarios)\b)?\.?(?<method>[A-Z][a-z]\w*_\w+)?…?`")]
    private static partial Regex TestName();

    [GeneratedRegex("(?m)^#+ (.+)$")]
    private static partial Regex Heading();

    [GeneratedRegex("(?ms)^ *```.*?^ *```")]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"\.(md|cs|csproj|props|json|yaml|yml|sh|lua|conf|html|js|mjs)$|/(run|Dockerfile)$")]
    private static partial Regex TextFile();

    [GeneratedRegex("(^|/)(bin|obj|artifacts)/")]
    private static partial Regex BuildOutput();
}
