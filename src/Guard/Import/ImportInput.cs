using Guard.Control.Input;
using Guard.Control.Shapes;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Import;

/// <summary>Reads one line of an import: the body of POST /actors, and what the actor keeps of the system it comes from.</summary>
internal static class ImportInput
{
    /// <summary>The actor, or what is wrong with the line.</summary>
    /// <param name="line">Of UTF-8 JSON.</param>
    /// <param name="scope">Where it goes.</param>
    /// <param name="datacenter">This one.</param>
    public static (ImportedActor Actor, string? Problem) Read(byte[] line, ImportScope scope, DatacenterOptions datacenter)
    {
        var errors = new InputErrors();
        var body = scope.MayBeNamed
            ? ShapeReader.Read(line, InputJson.Default.NamedImportLineShape, errors)
            : ShapeReader.Read(line, InputJson.Default.ImportLineShape, errors);
        if (body is null)
        {
            return (default, Describe(errors.First!));
        }

        var id = body.ActorId is null ? ActorId.New((ushort)datacenter.Label) : ActorIdInput.Read("actor_id", body.ActorId, datacenter.Label, errors);
        var actor = body.ToActor((body as NamedImportLineShape)?.Namespace ?? scope.Namespace, id, datacenter, errors);
        if (body.ActorId is null && body.Key is null)
        {
            errors.Add("key", "missing; without actor_id the key is what tells the actor from others");
        }

        return errors.First is { } error
            ? (default, Describe(error))
            : (new(actor with { Generation = body.Generation ?? 0, CreateTs = body.CreateTs }, body.ActorId is not null), null);
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
