using System.Collections.Frozen;
using System.Reflection;

namespace Guard.Core.Options;

/// <summary>Every key under <c>Guard</c>, in the order of docs/configuration.md: the properties of <see cref="GuardOptions"/>.</summary>
internal static class OptionKeys
{
    public static readonly IReadOnlyList<OptionKey> All = [.. In(new GuardOptions(), "", [])];

    private static readonly FrozenDictionary<string, OptionKey> ByName = All.ToFrozenDictionary(key => key.Name);

    /// <param name="name">As declared; throws <see cref="KeyNotFoundException"/> for any other.</param>
    public static OptionKey Get(string name) => ByName[name];

    /// <param name="section">Holds the defaults.</param>
    /// <param name="prefix">Before the names of its properties.</param>
    /// <param name="path">The properties that lead to it.</param>
    private static IEnumerable<OptionKey> In(OptionSection section, string prefix, PropertyInfo[] path)
    {
        foreach (var property in section.GetType().GetProperties())
        {
            var value = property.GetValue(section);
            if (value is not OptionSection below)
            {
                yield return new OptionKey(prefix + property.Name, path, property, isOptional: value is null);
                continue;
            }

            foreach (var key in In(below, $"{prefix}{property.Name}:", [.. path, property]))
            {
                yield return key;
            }
        }
    }
}
