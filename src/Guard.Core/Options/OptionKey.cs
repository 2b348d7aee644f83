using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace Guard.Core.Options;

/// <summary>
/// One key under <c>Guard</c>: a property of the options and its declaration. Reading, messages, reload and docs/configuration.md all
/// follow from it. Immutable, thread-safe.
/// </summary>
/// <param name="name">Without the <c>Guard:</c> before it.</param>
/// <param name="path">The properties that lead from the options to the section.</param>
/// <param name="property">The section's property, with its <see cref="OptionAttribute"/>.</param>
/// <param name="isOptional">The default is that there is none.</param>
internal sealed class OptionKey(string name, PropertyInfo[] path, PropertyInfo property, bool isOptional)
{
    /// <summary>The section that holds every key.</summary>
    public const string Root = "Guard";

    /// <summary>How a value that is not there is written.</summary>
    public const string None = "none";

    private readonly OptionAttribute _declared = property.GetCustomAttribute<OptionAttribute>()
        ?? throw new InvalidOperationException($"{name} has no {nameof(OptionAttribute)}");

    public string Name { get; } = name;

    public string FullName { get; } = $"{Root}:{name}";

    public string Description => _declared.Meaning;

    /// <summary>A reload applies it; otherwise a change needs a restart.</summary>
    public bool IsReloadable => _declared.Reload;

    /// <summary>Its value is never printed.</summary>
    public bool IsSecret => _declared.Secret;

    /// <summary>Has numbered keys below it (<c>:0</c>, <c>:1</c>, …).</summary>
    public bool IsList => property.PropertyType == typeof(string[]);

    /// <summary>Of a value, or of one entry of a list. For people; continues "expected …".</summary>
    public string Allowed => _declared.Allowed(property.PropertyType) + (isOptional && !IsList ? ", or nothing" : "");

    public object? Get(GuardOptions options) => property.GetValue(Section(options));

    /// <summary>Reads the configured value into <paramref name="options"/>, which keep their default where nothing is configured.</summary>
    public OptionProblem? Read(IConfigurationSection section, GuardOptions options)
        => IsList ? ReadList(section, options) : ReadOne(section, options);

    public void Copy(GuardOptions from, GuardOptions to) => Set(to, Get(from));

    public bool IsSame(GuardOptions left, GuardOptions right)
        => (Get(left), Get(right)) is (string[] a, string[] b) ? a.AsSpan().SequenceEqual(b) : Equals(Get(left), Get(right));

    /// <summary>The value as it would be configured. Not for secrets.</summary>
    public string Format(GuardOptions options)
        => Get(options) is { } value ? _declared.Format(value) : (_declared as TextAttribute)?.Default ?? None;

    private OptionProblem? ReadOne(IConfigurationSection section, GuardOptions options)
    {
        // A null in JSON is "nothing configured", as it is for the framework's binder.
        if (section.Value is not { } text)
        {
            return null;
        }

        var isNone = isOptional && text.Length == 0;
        var value = isNone ? null : Parse(text);
        if (value is null && !isNone)
        {
            return NotAllowed(FullName, text);
        }

        Set(options, value);
        return null;
    }

    /// <summary>An empty list that is configured is kept as such: it is not the default.</summary>
    private OptionProblem? ReadList(IConfigurationSection section, GuardOptions options)
    {
        var entries = section.GetChildren().ToArray();
        if (!string.IsNullOrEmpty(section.Value))
        {
            return OptionProblem.NotAllowed(FullName, section.Value, IsSecret, $"a list, one key per entry: {FullName}:0, {FullName}:1, …");
        }

        if (Array.Find(entries, entry => Parse(entry.Value ?? "") is null) is { } wrong)
        {
            return NotAllowed($"{FullName}:{wrong.Key}", wrong.Value ?? "");
        }

        if (entries.Length > 0 || section.Value is not null)
        {
            Set(options, Array.ConvertAll(entries, entry => entry.Value!));
        }

        return null;
    }

    private object? Parse(string text) => text.Length == 0 ? null : _declared.Parse(text, property.PropertyType);

    private OptionProblem NotAllowed(string key, string value) => OptionProblem.NotAllowed(key, value, IsSecret, Allowed);

    private void Set(GuardOptions options, object? value) => property.SetValue(Section(options), value);

    private object Section(GuardOptions options) => path.Aggregate((object)options, (section, next) => next.GetValue(section)!);
}
