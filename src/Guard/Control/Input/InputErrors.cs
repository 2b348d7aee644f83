using Guard.Core.Errors;

namespace Guard.Control.Input;

/// <summary>Keeps the first thing found wrong with one input, so that readers can go on with stand-in values and be asked once at the
/// end. Used by one thread.</summary>
internal sealed class InputErrors
{
    private const int MaxNameLength = 200;

    /// <summary>Null while nothing is wrong.</summary>
    public GuardError? First { get; private set; }

    public void Add(GuardError error) => First ??= error;

    /// <param name="name">The JSON path, parameter or header at fault; empty for the whole input.</param>
    /// <param name="allowed">What is wrong and what is allowed. Never holds the value: it may be a secret.</param>
    public void Add(string name, string allowed)
    {
        // Names of unknown fields are the caller's: a reply must not grow with them.
        First ??= GuardErrors.BadRequest(name.Length == 0 ? null : name.Length <= MaxNameLength ? name : name[..MaxNameLength], allowed);
    }
}
