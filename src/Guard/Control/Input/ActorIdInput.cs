using Guard.Model.Ids;

namespace Guard.Control.Input;

/// <summary>Reads the id of an actor that must be of this datacenter.</summary>
internal static class ActorIdInput
{
    /// <summary>The id; after an error something to ignore.</summary>
    public static ActorId Read(string name, string text, int label, InputErrors errors)
    {
        if (!ActorId.TryParse(text, out var id))
        {
            errors.Add(name, TextRule.ActorIdText.Allowed);
        }
        else if (id.Label != label)
        {
            errors.AddOtherDatacenter(name, $"the id is of datacenter {id.Label}; this one is {label}");
        }

        return id;
    }
}
