using System.Globalization;
using Guard.Core.Errors;

namespace Guard.Control.Input;

/// <summary>Keeps the first thing found wrong with one input, so that checks can go on and be asked once at the end. Used by one thread.</summary>
internal sealed class InputErrors
{
    private const int MaxNameLength = 200;

    private readonly InputErrors _root;
    private readonly string _path;
    private GuardError? _first;

    public InputErrors() => (_root, _path) = (this, "");

    private InputErrors(InputErrors root, string path) => (_root, _path) = (root, path);

    /// <summary>Null while nothing is wrong.</summary>
    public GuardError? First => _root._first;

    /// <summary>The same errors, for what a member of the input holds.</summary>
    public InputErrors At(string member) => new(_root, $"{_path}.{member}");

    /// <summary>The same errors, for an item of the input.</summary>
    public InputErrors At(int index) => new(_root, string.Create(CultureInfo.InvariantCulture, $"{_path}[{index}]"));

    public void Add(GuardError error) => _root._first ??= error;

    /// <param name="name">The member, parameter or header at fault; empty for the whole input.</param>
    /// <param name="allowed">What is wrong and what is allowed. Never holds the value: it may be a secret.</param>
    public void Add(string name, string allowed) => _root._first ??= GuardErrors.BadRequest(Shown(Path(name)), allowed);

    public void Add(Fault fault) => _root._first ??= GuardErrors.BadRequest(Shown(_path + fault.Path), fault.Allowed);

    /// <summary>Refuses what names another datacenter.</summary>
    public void AddOtherDatacenter(string name, string detail)
        => _root._first ??= GuardErrors.DatacenterNotFound() with { Metadata = new() { Name = Shown(Path(name)), Detail = detail } };

    /// <summary>As errors name it.</summary>
    public string PathTo(string member) => Shown(Path(member)) ?? "";

    private string Path(string name) => name.Length == 0 ? _path : $"{_path}.{name}";

    // Names of unknown fields are the caller's: a reply must not grow with them.
    private static string? Shown(string path)
    {
        var shown = path is ['.', .. var rest] ? rest : path;
        return shown.Length == 0 ? null : shown[..Math.Min(MaxNameLength, shown.Length)];
    }
}
