using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Guard.Core.Options;

/// <summary>
/// One key under <c>Guard</c>: where it is kept, which values are allowed, whether a reload applies it, and what it means.
/// Reading, messages, reload and docs/configuration.md all follow from it. Immutable, thread-safe.
/// </summary>
/// <param name="name">Without the <c>Guard:</c> before it.</param>
/// <param name="description">For people who meet the key for the first time.</param>
internal abstract class OptionKey(string name, string description)
{
    /// <summary>The section that holds every key.</summary>
    public const string Root = "Guard";

    public string Name { get; } = name;

    public string FullName { get; } = $"{Root}:{name}";

    public string Description { get; } = description;

    /// <summary>A reload applies it; otherwise a change needs a restart.</summary>
    public bool IsReloadable { get; init; }

    /// <summary>Its value is never printed.</summary>
    public bool IsSecret { get; init; }

    /// <summary>Has numbered keys below it (<c>:0</c>, <c>:1</c>, …).</summary>
    public abstract bool IsList { get; }

    /// <summary>For people; continues "expected …".</summary>
    public abstract string Allowed { get; }

    /// <summary>Reads the configured value into <paramref name="options"/>, which keep their default where nothing is configured.</summary>
    public abstract OptionProblem? Read(IConfigurationSection section, GuardOptions options);

    public abstract void Copy(GuardOptions from, GuardOptions to);

    public abstract bool IsSame(GuardOptions left, GuardOptions right);

    /// <summary>The value as it would be configured. Not for secrets.</summary>
    public abstract string Format(GuardOptions options);

    protected OptionProblem NotAllowed(string key, string value) => OptionProblem.NotAllowed(key, value, IsSecret, Allowed);
}

/// <summary>A key with one value.</summary>
internal sealed class ScalarKey<T>(
    string name, OptionType<T> type, Func<GuardOptions, T> get, Action<GuardOptions, T> set, string description)
    : OptionKey(name, description)
{
    public override bool IsList => false;

    public override string Allowed => type.Allowed;

    public T Get(GuardOptions options) => get(options);

    public override OptionProblem? Read(IConfigurationSection section, GuardOptions options)
    {
        // A null in JSON is "nothing configured", as it is for the framework's binder.
        if (section.Value is not { } text)
        {
            return null;
        }

        if (!type.TryParse(text, out var value))
        {
            return NotAllowed(FullName, text);
        }

        set(options, value);
        return null;
    }

    public override void Copy(GuardOptions from, GuardOptions to) => set(to, get(from));

    public override bool IsSame(GuardOptions left, GuardOptions right) => EqualityComparer<T>.Default.Equals(get(left), get(right));

    public override string Format(GuardOptions options) => type.Format(get(options));
}

/// <summary>A key with a list of texts. An empty list that is configured is kept as such: it is not the default.</summary>
internal sealed class ListKey(
    string name, string allowed, Func<string, bool> isValid, Func<GuardOptions, string[]?> get, Action<GuardOptions, string[]?> set, string description)
    : OptionKey(name, description)
{
    /// <summary>The default, as people read it.</summary>
    public required string DefaultText { get; init; }

    public override bool IsList => true;

    /// <summary>Of one entry.</summary>
    public override string Allowed => allowed;

    public string[]? Get(GuardOptions options) => get(options);

    public override OptionProblem? Read(IConfigurationSection section, GuardOptions options)
    {
        var entries = section.GetChildren().ToArray();
        if (!string.IsNullOrEmpty(section.Value))
        {
            return OptionProblem.NotAllowed(FullName, section.Value, IsSecret, $"a list, one key per entry: {FullName}:0, {FullName}:1, …");
        }

        if (entries.Length == 0)
        {
            if (section.Value is not null)
            {
                set(options, []);
            }

            return null;
        }

        var values = new string[entries.Length];
        for (var i = 0; i < entries.Length; i++)
        {
            values[i] = entries[i].Value ?? "";
            if (values[i].Length == 0 || !isValid(values[i]))
            {
                return NotAllowed($"{FullName}:{entries[i].Key}", values[i]);
            }
        }

        set(options, values);
        return null;
    }

    public override void Copy(GuardOptions from, GuardOptions to) => set(to, get(from));

    public override bool IsSame(GuardOptions left, GuardOptions right)
    {
        var (a, b) = (get(left), get(right));
        return a is null || b is null ? a is null && b is null : a.AsSpan().SequenceEqual(b);
    }

    public override string Format(GuardOptions options)
        => get(options) is { } values ? string.Create(CultureInfo.InvariantCulture, $"[{string.Join(", ", values)}]") : DefaultText;
}
