using System.Text.Json;
using Guard.Control.Input;
using Guard.Control.Shapes;
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
    private const string DefaultNamespace = "default";

    /// <summary>Reads the file; null after some errors.</summary>
    public static SeedFile? Read(ReadOnlyMemory<byte> json, DatacenterOptions datacenter, EndpointPolicy endpoints, InputErrors errors)
    {
        if (ShapeReader.Read(json, InputJson.Default.SeedShape, errors) is not { } file)
        {
            return null;
        }

        var pools = ReadPools(file.RunnerConfigs, datacenter, endpoints, errors);
        var runners = (file.Runners ?? []).Select((item, i) =>
            ($"runners[{i}]", item.ToRunner(
                item.Namespace ?? DefaultNamespace, ActorId.New((ushort)datacenter.Label).ToString(), endpoints, errors.At("runners").At(i), isStatic: true)))
            .Where(r => r.Item2 is not null)
            .Select(r => (r.Item1, r.Item2!))
            .ToList();
        var actors = (file.Actors ?? []).Select((item, i) => ReadActor(item, $"actors[{i}]", datacenter, errors.At("actors").At(i))).ToList();
        return new SeedFile(pools, runners, actors);
    }

    private static List<PoolEntry> ReadPools(JsonElement? configs, DatacenterOptions datacenter, EndpointPolicy endpoints, InputErrors errors)
    {
        var pools = new List<PoolEntry>();
        var seen = new HashSet<PoolId>();
        var inside = errors.At("runner_configs");
        if (configs is { ValueKind: JsonValueKind.Array } list)
        {
            var listed = ShapeReader.Read(list, InputJson.Default.ListListedSeedPoolShape, inside) ?? [];
            for (var i = 0; i < listed.Count; i++)
            {
                Add(listed[i], listed[i].RunnerName, inside.At(i));
            }
        }
        else if (configs is { } byName)
        {
            foreach (var (name, item) in ShapeReader.Read(byName, InputJson.Default.DictionaryStringSeedPoolShape, inside) ?? [])
            {
                if (!TextRule.Label.Accepts(name))
                {
                    inside.Add(name, $"as the name of a pool: {TextRule.Label.Allowed}");
                }

                Add(item, name, inside.At(name));
            }
        }

        return pools;

        void Add(SeedPoolShape item, string name, InputErrors here)
        {
            var id = new PoolId(item.Namespace ?? DefaultNamespace, name);
            if (!seen.Add(id))
            {
                here.Add("", $"the pool {id} is given twice; allowed once");
            }

            if (item.ToConfig(datacenter.Name, endpoints, here) is { } config)
            {
                pools.Add(new PoolEntry(id, config));
            }
        }
    }

    private static (string Path, NewActor Actor, bool HasId) ReadActor(SeedActorShape item, string path, DatacenterOptions datacenter, InputErrors errors)
    {
        var id = item.ActorId is null
            ? ActorId.New((ushort)datacenter.Label)
            : ActorIdInput.Read("actor_id", item.ActorId, datacenter.Label, errors);
        if (item.Key is null && item.ActorId is null)
        {
            errors.Add("", "must have a key or an actor_id: otherwise every start would make another one");
        }

        return (path, item.ToActor(item.Namespace ?? DefaultNamespace, id, datacenter, errors), item.ActorId is not null);
    }
}
