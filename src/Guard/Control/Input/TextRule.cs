using Guard.Model.Ids;
using Guard.Model.Text;

namespace Guard.Control.Input;

/// <summary>What a text must be.</summary>
/// <param name="Accepts">Never throws.</param>
/// <param name="Allowed">For the detail of an error.</param>
internal sealed record TextRule(Func<string, bool> Accepts, string Allowed)
{
    private const int MaxCursorLength = 512;
    private const int MaxUrlLength = 2048;

    /// <summary>A namespace or pool name.</summary>
    public static readonly TextRule Label = new(text => NameRules.IsLabel(text), NameRules.LabelAllowed);

    public static readonly TextRule ActorName = new(text => NameRules.IsActorName(text), NameRules.ActorNameAllowed);

    /// <summary>Serialised.</summary>
    public static readonly TextRule Key = new(text => ActorKey.TryParse(text, out _), ActorKey.Allowed);

    public static readonly TextRule RunnerKey = new(NameRules.IsRunnerKey, NameRules.RunnerKeyAllowed);

    public static readonly TextRule Cursor = new(
        text => text.Length is > 0 and <= MaxCursorLength,
        "must be pagination.cursor of the page before");

    public static readonly TextRule ActorIdText = new(text => ActorId.TryParse(text, out _), "must be an actor id: 30 base36 characters");

    public static readonly TextRule Url = new(
        text => text.Length is > 0 and <= MaxUrlLength,
        "must be an absolute http or https URL of at most 2048 characters");

    public static readonly TextRule Base64 = new(
        text => System.Buffers.Text.Base64.IsValid(text) && !text.Any(char.IsWhiteSpace),
        "must be base64 with padding: A-Z, a-z, 0-9, '+' and '/'");

    public static readonly TextRule Word = new(text => text.Length is > 0 and <= 128, "must be 1 to 128 characters");

    /// <summary>Free text; cut before it is kept.</summary>
    public static readonly TextRule Message = new(_ => true, "must be a text");
}
