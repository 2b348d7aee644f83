using System.Globalization;

namespace Guard.Control.Input;

/// <summary>What is wrong with a value.</summary>
/// <param name="Path">From the value, each member after a dot, e.g. <c>.events[1].actor_id</c>; empty for the value itself.</param>
/// <param name="Allowed">What is wrong and what is allowed.</param>
internal readonly record struct Fault(string Path, string Allowed)
{
    /// <summary>The same, seen from the object that has the value.</summary>
    public Fault In(string member) => this with { Path = $".{member}{Path}" };

    /// <summary>The same, seen from the array that has the value.</summary>
    public Fault In(int index) => this with { Path = string.Create(CultureInfo.InvariantCulture, $"[{index}]{Path}") };
}
