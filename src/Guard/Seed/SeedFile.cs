using System.Text.Json;
using Guard.Control.Input;
using Guard.Core.Options;
using Guard.Core.Transport.Connections;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Seed;

/// <summary>What a seed file holds, read and checked as the calls of the control API are. Immutable.</summary>
/// <param name="Pools">The <c>runner_configs</c>.</param>
/// <param name="Runners">Static ones; the path is where the runner stands in the file.</param>
/// <param name="Actors">With the path; <c>HasId</c> says that the file chose the id.</param>
internal sealed record SeedFile(
    IReadOnlyList<PoolEntry> Pools,
    IReadOnlyList<(string Path, NewRunner Runner)> Runners,
    IReadOnlyList<(string Path, NewActor Actor, bool HasId)> Actors)
{
    private const int MaxEntries = 1_000_000;
    private const string DefaultNamespace = "default";

    /// <summary>Reads the file's object; after an error something to ignore.</summary>
    public static SeedFile Read(JsonElement root, DatacenterOptions datacenter, EndpointPolicy endpoints, InputErrors errors)
    {
        var file = new JsonFields(root, "", errors);
        var pools = ReadPools(file, datacenter, endpoints);
        var runners = (file.OptionalObjects("runners", MaxEntries) ?? []).Select(item =>
            (item.Path, RunnerInput.Read(item, NamespaceOf(item), ActorId.New((ushort)datacenter.Label).ToString(), endpoints, isStatic: true)))
            .ToList();
        var actors = (file.OptionalObjects("actors", MaxEntries) ?? []).Select(item => ReadActor(item, datacenter)).ToList();
        file.End();
        return new SeedFile(pools, runners, actors);
    }

    private static List<PoolEntry> ReadPools(JsonFields file, DatacenterOptions datacenter, EndpointPolicy endpoints)
    {
        var pools = new List<PoolEntry>();
        var seen = new HashSet<PoolId>();
        if (file.Find("runner_configs") is { ValueKind: JsonValueKind.Array })
        {
            foreach (var item in file.Objects("runner_configs", MaxEntries))
            {
                Add(item, item.Text("runner_name", TextRule.Label));
            }
        }
        else if (file.OptionalObject("runner_configs") is { } byName)
        {
            foreach (var member in byName.Members())
            {
                if (!TextRule.Label.Accepts(member.Name))
                {
                    file.Errors.Add(byName.PathTo(member.Name), $"as the name of a pool: {TextRule.Label.Allowed}");
                }

                Add(new JsonFields(member.Value, byName.PathTo(member.Name), file.Errors), member.Name);
            }
        }

        return pools;

        void Add(JsonFields item, string name)
        {
            var id = new PoolId(NamespaceOf(item), name);
            var config = RunnerConfigInput.Read(item, datacenter.Name, endpoints);
            if (!seen.Add(id))
            {
                file.Errors.Add(item.Path, $"the pool {id} is given twice; allowed once");
            }

            pools.Add(new PoolEntry(id, config));
        }
    }

    private static (string Path, NewActor Actor, bool HasId) ReadActor(JsonFields item, DatacenterOptions datacenter)
    {
        var given = item.OptionalText("actor_id", TextRule.ActorIdText);
        var id = given is null
            ? ActorId.New((ushort)datacenter.Label)
            : ActorInput.ReadId(item.PathTo("actor_id"), given, datacenter.Label, item.Errors);
        var actor = ActorInput.Read(item, NamespaceOf(item), id, datacenter.Name);
        if (actor.Key is null && given is null)
        {
            item.Errors.Add(item.Path, "must have a key or an actor_id: otherwise every start would make another one");
        }

        return (item.Path, actor, given is not null);
    }

    private static string NamespaceOf(JsonFields item) => item.OptionalText("namespace", TextRule.Label) ?? DefaultNamespace;
}
