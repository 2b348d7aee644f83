namespace Guard.Core.Options;

/// <summary>How the values of a key are written and which are allowed. Immutable, thread-safe.</summary>
internal abstract class OptionType<T>
{
    /// <summary>For people; continues "expected …".</summary>
    public abstract string Allowed { get; }

    /// <summary>Reads a value; false when it is not written as it should be, or is out of range.</summary>
    public abstract bool TryParse(string text, out T value);

    /// <summary>A value as it would be written in a configuration file.</summary>
    public abstract string Format(T value);
}
