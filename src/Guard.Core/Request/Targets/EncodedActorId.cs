using Guard.Core.Errors;
using Guard.Model.Ids;
using Guard.Model.Text;

namespace Guard.Core.Request.Targets;

/// <summary>Reads actor ids as clients may write them: in either case, also percent-encoded. Never allocates; thread-safe.</summary>
internal static class EncodedActorId
{
    public static bool TryRead(ReadOnlySpan<char> text, out ActorId id)
    {
        if (!text.Contains('%'))
        {
            return ActorId.TryParse(text, out id);
        }

        id = default;
        Span<char> decoded = stackalloc char[ActorId.TextLength];
        return DecodeBuffer.Decode(text, plusIsSpace: false, decoded, out var length) == DecodeResult.Ok
            && ActorId.TryParse(decoded[..length], out id);
    }

    /// <param name="source">Where the text stood.</param>
    public static GuardError Invalid(string source)
        => GuardErrors.InvalidActorId($"{source}: an actor id is 30 base36 digits, as it was given out when the actor was created");
}
