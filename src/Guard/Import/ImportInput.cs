using Guard.Control.Input;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Import;

/// <summary>Reads one line of an import: the body of POST /actors, and what the actor keeps of the system it comes from.</summary>
internal static class ImportInput
{
    // Far above what any actor reaches, and exact as a number of JSON and of Lua.
    private const long MaxGeneration = 1_000_000_000_000_000;

    // The end of the year 9999.
    private const long MaxTime = 253_402_300_799_999;

    /// <summary>The actor, or what is wrong with the line.</summary>
    /// <param name="line">Of UTF-8 JSON.</param>
    /// <param name="scope">Where it goes.</param>
    /// <param name="datacenter">This one.</param>
    public static (ImportedActor Actor, string? Problem) Read(byte[] line, ImportScope scope, DatacenterOptions datacenter)
    {
        var errors = new InputErrors();
        using var json = JsonText.Parse(line, errors);
        if (json is null)
        {
            return (default, Describe(errors.First!));
        }

        var fields = new JsonFields(json.RootElement, "", errors);
        var id = fields.OptionalText("actor_id", TextRule.ActorIdText) is { } text
            ? ActorInput.ReadId("actor_id", text, datacenter.Label, errors)
            : (ActorId?)null;
        var @namespace = scope.MayBeNamed ? fields.OptionalText("namespace", TextRule.Label) : null;
        var generation = fields.OptionalInteger("generation", 0, MaxGeneration);
        var created = fields.OptionalInteger("create_ts", 0, MaxTime);
        var actor = ActorInput.Read(fields, @namespace ?? scope.Namespace, id ?? ActorId.New((ushort)datacenter.Label), datacenter.Name);
        if (id is null && actor.Key is null)
        {
            errors.Add("key", "missing; without actor_id the key is what tells the actor from others");
        }

        return errors.First is { } error
            ? (default, Describe(error))
            : (new(actor with { Generation = generation ?? 0, CreateTs = created }, id is not null), null);
    }

    private static string Describe(GuardError error) => error.Metadata switch
    {
        { Name: { } name, Detail: { } detail } => $"{name}: {detail}",

        // The line a parser counts is always the first of one line.
        { Detail: { } detail } => detail.Replace(" at line 1, byte", " at byte", StringComparison.Ordinal),
        _ => error.Message,
    };
}

/// <param name="Namespace">Of the actors.</param>
/// <param name="MayBeNamed">A line may name another one.</param>
internal sealed record ImportScope(string Namespace, bool MayBeNamed);
