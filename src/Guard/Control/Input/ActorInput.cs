using Guard.Core.Errors;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Control.Input;

/// <summary>Reads an actor to create: the body of POST and PUT /actors, and the entries of a seed file.</summary>
internal static class ActorInput
{
    /// <summary>The actor; after an error something to ignore.</summary>
    public static NewActor Read(JsonFields body, string @namespace, ActorId newId, string datacenter)
    {
        var actor = new NewActor(
            newId,
            new PoolId(@namespace, body.Text("runner_name_selector", TextRule.Label)),
            body.Text("name", TextRule.ActorName),
            body.OptionalText("key", TextRule.Key),
            body.OptionalWord("crash_policy", "sleep", "restart", "destroy") switch
            {
                1 => CrashPolicy.Restart,
                2 => CrashPolicy.Destroy,
                _ => CrashPolicy.Sleep,
            },
            body.OptionalText("input", TextRule.Base64) is { } input ? Convert.FromBase64String(input) : null);
        if (body.OptionalText("datacenter", TextRule.Word) is { } asked && asked != datacenter)
        {
            body.Errors.Add(GuardErrors.DatacenterNotFound() with
            {
                Metadata = new() { Name = body.PathTo("datacenter"), Detail = $"this datacenter is '{datacenter}'" },
            });
        }

        body.End();
        return actor;
    }

    /// <summary>An id of this datacenter; after an error something to ignore.</summary>
    public static ActorId ReadId(string name, string text, int label, InputErrors errors)
    {
        if (!ActorId.TryParse(text, out var id))
        {
            errors.Add(name, TextRule.ActorIdText.Allowed);
        }
        else if (id.Label != label)
        {
            errors.Add(GuardErrors.DatacenterNotFound() with
            {
                Metadata = new() { Name = name, Detail = $"the id is of datacenter {id.Label}; this one is {label}" },
            });
        }

        return id;
    }
}
