using System.Reflection;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Guard.Core.Tests;

/// <summary>Which folders use which, each edge with one type that does. Not thread-safe.</summary>
internal sealed class FolderGraph
{
    private readonly SortedDictionary<string, SortedDictionary<string, string>> _edges = new(StringComparer.Ordinal);

    /// <summary>Reads signatures, attributes and method bodies of all types.</summary>
    public static FolderGraph Of(IEnumerable<Assembly> assemblies)
    {
        var graph = new FolderGraph();
        foreach (var assembly in assemblies)
        {
            using var module = ModuleDefinition.ReadModule(assembly.Location);
            foreach (var type in module.GetTypes())
            {
                if (FolderOf(type) is { } from)
                {
                    foreach (var used in UsedBy(type))
                    {
                        if (FolderOf(used) is { } to && to != from)
                        {
                            graph.Add(from, to, Outermost(type).Name);
                        }
                    }
                }
            }
        }

        return graph;
    }

    public int EdgeCount => _edges.Values.Sum(e => e.Count);

    public void Add(string from, string to, string type)
    {
        if (!_edges.TryGetValue(from, out var targets))
        {
            _edges[from] = targets = new(StringComparer.Ordinal);
        }

        targets.TryAdd(to, type);
    }

    public IEnumerable<string> UsedBy(string folder) => _edges.TryGetValue(folder, out var targets) ? targets.Keys : [];

    /// <summary>The graph of what folders are in.</summary>
    public FolderGraph Grouped(Func<string, string> group)
    {
        var grouped = new FolderGraph();
        foreach (var (from, targets) in _edges)
        {
            foreach (var (to, type) in targets)
            {
                if (group(from) != group(to))
                {
                    grouped.Add(group(from), group(to), type);
                }
            }
        }

        return grouped;
    }

    /// <summary>A shortest cycle through the first folder of each strongly connected set, as text: <c>a -> b (type in a) -> a (type in b)</c>.</summary>
    public IReadOnlyList<string> Cycles()
    {
        List<string> cycles = [];
        HashSet<string> told = [];
        foreach (var start in _edges.Keys)
        {
            if (!told.Contains(start) && ShortestCycle(start) is { } cycle)
            {
                told.UnionWith(cycle);
                cycles.Add(cycle[0] + string.Concat(Enumerable.Range(0, cycle.Count).Select(i =>
                    $" -> {cycle[(i + 1) % cycle.Count]} ({_edges[cycle[i]][cycle[(i + 1) % cycle.Count]]})")));
            }
        }

        return cycles;
    }

    public override string ToString() => string.Join(
        Environment.NewLine, _edges.Select(e => $"{e.Key} -> {string.Join(", ", e.Value.Select(t => $"{t.Key} ({t.Value})"))}"));

    private List<string>? ShortestCycle(string start)
    {
        Dictionary<string, string?> cameFrom = new(StringComparer.Ordinal) { [start] = null };
        Queue<string> queue = new([start]);
        while (queue.TryDequeue(out var folder))
        {
            foreach (var next in UsedBy(folder))
            {
                if (next == start)
                {
                    List<string> path = [];
                    for (string? step = folder; step is not null; step = cameFrom[step])
                    {
                        path.Insert(0, step);
                    }

                    return path;
                }

                if (cameFrom.TryAdd(next, folder))
                {
                    queue.Enqueue(next);
                }
            }
        }

        return null;
    }

    private static string? FolderOf(TypeReference type)
    {
        var outer = Outermost(type.GetElementType());
        return outer.Namespace.StartsWith("Guard.", StringComparison.Ordinal) ? outer.Namespace : null;
    }

    private static TypeReference Outermost(TypeReference type)
    {
        while (type.DeclaringType is { } outer)
        {
            type = outer;
        }

        return type;
    }

    private static IEnumerable<TypeReference> UsedBy(TypeDefinition type)
    {
        List<TypeReference?> used = [type.BaseType, .. type.Interfaces.Select(i => i.InterfaceType), .. type.Fields.Select(f => f.FieldType)];
        used.AddRange(type.CustomAttributes.Select(a => a.AttributeType));
        foreach (var method in type.Methods)
        {
            used.Add(method.ReturnType);
            used.AddRange(method.Parameters.Select(p => p.ParameterType));
            used.AddRange(method.GenericParameters.SelectMany(g => g.Constraints).Select(c => c.ConstraintType));
            if (method.HasBody)
            {
                used.AddRange(method.Body.Variables.Select(v => v.VariableType));
                used.AddRange(method.Body.Instructions.SelectMany(UsedBy));
            }
        }

        return used.OfType<TypeReference>().SelectMany(Parts);
    }

    private static IEnumerable<TypeReference?> UsedBy(Instruction instruction) => instruction.Operand switch
    {
        TypeReference type => [type],
        MethodReference method => [method.DeclaringType, method.ReturnType, .. method.Parameters.Select(p => p.ParameterType),
            .. (method as GenericInstanceMethod)?.GenericArguments ?? []],
        FieldReference field => [field.DeclaringType, field.FieldType],
        _ => [],
    };

    private static IEnumerable<TypeReference> Parts(TypeReference type)
        => type is GenericInstanceType generic ? generic.GenericArguments.SelectMany(Parts).Prepend(generic.ElementType)
            : type is TypeSpecification specification ? Parts(specification.ElementType)
            : [type];
}
