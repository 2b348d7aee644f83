using Guard.Control.Input;
using Guard.Core.Errors;
using Guard.Core.Storage;
using Guard.Core.Targets;

namespace Guard.Import;

/// <summary>Reads one line of an import: the body of POST /actors, and <c>actor_id</c> where the actor keeps the id it has.</summary>
internal static class ImportInput
{
    /// <summary>The actor, or what is wrong with the line.</summary>
    /// <param name="line">Of UTF-8 JSON.</param>
    /// <param name="namespace">Every actor of one import is of it.</param>
    /// <param name="datacenter">The name of this datacenter.</param>
    /// <param name="label">Its label.</param>
    public static (ImportedActor Actor, string? Problem) Read(byte[] line, string @namespace, string datacenter, int label)
    {
        var errors = new InputErrors();
        using var json = JsonText.Parse(line, errors);
        if (json is null)
        {
            return (default, Describe(errors.First!));
        }

        var fields = new JsonFields(json.RootElement, "", errors);
        var id = fields.OptionalText("actor_id", TextRule.ActorIdText) is { } text
            ? ActorInput.ReadId("actor_id", text, label, errors)
            : (ActorId?)null;
        var actor = ActorInput.Read(fields, @namespace, id ?? ActorId.New((ushort)label), datacenter);
        if (id is null && actor.Key is null)
        {
            errors.Add("key", "missing; without actor_id the key is what tells the actor from others");
        }

        return errors.First is { } error ? (default, Describe(error)) : (new(actor, id is not null), null);
    }

    private static string Describe(GuardError error) => error.Metadata switch
    {
        { Name: { } name, Detail: { } detail } => $"{name}: {detail}",
        { Detail: { } detail } => detail,
        _ => error.Message,
    };
}
