using System.Collections.Frozen;
using Microsoft.Extensions.Configuration;

namespace Guard.Core.Options;

/// <summary>Finds keys that nobody reads, each a likely typing error. Values are not shown: behind a mistyped key may stand a secret.</summary>
internal static class UnknownKeys
{
    private static readonly FrozenDictionary<string, OptionKey> Known =
        OptionKeys.All.ToFrozenDictionary(key => key.FullName, StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> Sections =
        OptionKeys.All.SelectMany(key => Prefixes(key.FullName)).ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public static IEnumerable<OptionProblem> In(IConfigurationSection section)
    {
        if (Known.TryGetValue(section.Path, out var key))
        {
            foreach (var child in section.GetChildren())
            {
                foreach (var problem in key.IsList && int.TryParse(child.Key, out _) ? Below(child) : Leaves(child))
                {
                    yield return problem;
                }
            }

            yield break;
        }

        if (!Sections.Contains(section.Path))
        {
            foreach (var problem in Leaves(section))
            {
                yield return problem;
            }

            yield break;
        }

        if (!string.IsNullOrEmpty(section.Value))
        {
            yield return new OptionProblem(section.Path, "is a section and has no value of its own");
        }

        foreach (var problem in Below(section, In))
        {
            yield return problem;
        }
    }

    /// <summary>The known key that takes the fewest edits, where a missing or wrong section counts little.</summary>
    internal static OptionKey Nearest(string path)
    {
        var name = path.StartsWith(OptionKey.Root + ":", StringComparison.OrdinalIgnoreCase) ? path[(OptionKey.Root.Length + 1)..] : path;
        return OptionKeys.All.MinBy(key => Math.Min(EditDistance(name, key.Name), 2 + (2 * EditDistance(LastPart(name), LastPart(key.Name)))))!;
    }

    private static IEnumerable<OptionProblem> Leaves(IConfigurationSection section)
        => section.GetChildren().Any() ? Below(section, Leaves) : [Unknown(section.Path)];

    private static IEnumerable<OptionProblem> Below(IConfigurationSection section) => Below(section, Leaves);

    private static IEnumerable<OptionProblem> Below(IConfigurationSection section, Func<IConfigurationSection, IEnumerable<OptionProblem>> find)
        => section.GetChildren().SelectMany(find);

    private static OptionProblem Unknown(string path)
        => new(path, $"is not a key of Guard; the nearest one is {Nearest(path).FullName}");

    private static IEnumerable<string> Prefixes(string path)
    {
        for (var i = path.IndexOf(':'); i >= 0; i = path.IndexOf(':', i + 1))
        {
            yield return path[..i];
        }
    }

    private static string LastPart(string path) => path[(path.LastIndexOf(':') + 1)..];

    /// <summary>Insertions, deletions and replacements from one to the other, ignoring case.</summary>
    private static int EditDistance(string from, string to)
    {
        var row = Enumerable.Range(0, to.Length + 1).ToArray();
        for (var i = 1; i <= from.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= to.Length; j++)
            {
                var above = row[j];
                var change = char.ToLowerInvariant(from[i - 1]) == char.ToLowerInvariant(to[j - 1]) ? 0 : 1;
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, diagonal + change);
                diagonal = above;
            }
        }

        return row[^1];
    }
}
