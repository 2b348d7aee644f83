using System.Text.RegularExpressions;

namespace Guard.Core.Tests;

/// <summary>docs/errors.md names every code of the catalogue, and no other.</summary>
public sealed partial class ErrorDocumentationTests
{
    private static readonly string Documented = File.ReadAllText(Path.Combine(SourceRulesTests.RepositoryRoot(), "docs/errors.md"));

    [Fact]
    public void Catalogue_EveryCode_IsDocumented()
    {
        var missing = Codes().Where(code => !Documented.Contains($"`{code}`", StringComparison.Ordinal) && !Documented.Contains($"`{code},", StringComparison.Ordinal));

        Assert.Empty(missing);
    }

    [Fact]
    public void Documentation_EveryCode_IsInTheCatalogue()
    {
        var documented = DocumentedCode().Matches(Documented).Select(m => m.Groups[1].Value).Distinct().ToArray();

        Assert.NotEmpty(documented);
        Assert.Empty(documented.Except(Codes()));
    }

    /// <summary>Read from the source of the catalogue: every code is written out there.</summary>
    private static HashSet<string> Codes()
    {
        var source = File.ReadAllText(Path.Combine(SourceRulesTests.RepositoryRoot(), "src/Guard.Core/Errors/GuardErrors.cs"));
        return
        [
            .. GroupAndCode().Matches(source).Select(m => $"{m.Groups[1].Value}.{m.Groups[2].Value}"),
            .. GuardCode().Matches(source).Select(m => $"guard.{m.Groups[1].Value}"),
            .. ActorCode().Matches(source).Select(m => $"actor.{m.Groups[1].Value}"),
        ];
    }

    // new("guard", "no_route", 404, …)
    [GeneratedRegex(@"new\(""([a-z]+)"", ""([a-z_]+)""")]
    private static partial Regex GroupAndCode();

    // Invalid("invalid_request", …) and Waited("actor_ready_timeout", …): the group is guard.
    [GeneratedRegex(@"(?:Invalid|Waited)\(""([a-z0-9_]+)""")]
    private static partial Regex GuardCode();

    // ActorErrorKind.NoCapacity => ("no_capacity", …)
    [GeneratedRegex(@"=> \(""([a-z_]+)""")]
    private static partial Regex ActorCode();

    // A code at the start of a table's cell, or after another one there.
    [GeneratedRegex(@"(?m)^(?:\|[^|]*?|)`((?:guard|actor|namespace|datacenter|runner|api|core)\.[a-z0-9_]+)`")]
    private static partial Regex DocumentedCode();
}
