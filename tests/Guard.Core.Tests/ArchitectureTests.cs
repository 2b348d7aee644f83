using System.Reflection;
using System.Runtime.CompilerServices;
using Guard.Core.Errors;
using Guard.Model.Ids;

namespace Guard.Core.Tests;

/// <summary>
/// Who may know whom. The graph of folders (a folder is a namespace) is computed from the compiled types, so that a fully qualified name
/// counts as much as a using, and must have no cycle: neither between folders nor between the rooms they are in.
/// </summary>
public sealed class ArchitectureTests
{
    private static readonly Assembly[] Assemblies =
        [typeof(ActorId).Assembly, typeof(Storage.Memory.MemoryStore).Assembly, typeof(GuardError).Assembly];

    private static readonly Lazy<FolderGraph> Graph = new(() => FolderGraph.Of(Assemblies));

    [Fact]
    public void Folders_OfAllAssemblies_HaveNoCycle()
    {
        var cycles = Graph.Value.Cycles();

        Assert.True(cycles.Count == 0, $"folders know each other in a circle:{Environment.NewLine}{string.Join(Environment.NewLine, cycles)}");
    }

    /// <summary>Request, State and Transport are rooms with folders of their own; the order of the rooms is that of the two flows.</summary>
    [Fact]
    public void Rooms_OfCore_HaveNoCycle()
    {
        var cycles = Graph.Value.Grouped(RoomOf).Cycles();

        Assert.True(cycles.Count == 0, $"rooms know each other in a circle:{Environment.NewLine}{string.Join(Environment.NewLine, cycles)}");
    }

    /// <summary>How a runner is reached is known to its transport alone; whoever delivers, wakes, evicts or stops asks
    /// <c>RunnerTransports</c>.</summary>
    [Theory]
    [InlineData("Guard.Core.Request.Delivery")]
    [InlineData("Guard.Core.Request.Readiness")]
    [InlineData("Guard.Core.Request.Routing")]
    [InlineData("Guard.Core.State.Actors")]
    [InlineData("Guard.Core.State.Runners")]
    [InlineData("Guard.Core.State.Upkeep")]
    public void Folders_AboveTransport_KnowNoTransport(string folder)
    {
        var used = Graph.Value.UsedBy(folder).ToArray();

        Assert.NotEmpty(used);
        Assert.DoesNotContain(used, f => f is "Guard.Core.Transport.Http" or "Guard.Core.Transport.Implicit" or "Guard.Core.Transport.Connections");
    }

    [Fact]
    public void Scan_KnownDependencies_AreSeen()
    {
        // A scan that sees nothing would find no cycle either.
        Assert.Contains("Guard.Core.Request.Targets", Graph.Value.UsedBy("Guard.Core.Request.Routing"));
        Assert.Contains("Guard.Model.Pools", Graph.Value.UsedBy("Guard.Core.Errors"));
        Assert.Contains("Guard.Model.Actors", Graph.Value.UsedBy("Guard.Storage.Memory"));
    }

    [Fact]
    public void Cycles_OfAGraphWithOne_NameIt()
    {
        var graph = new FolderGraph();
        graph.Add("a", "b", "A1");
        graph.Add("b", "c", "B1");
        graph.Add("c", "a", "C1");
        graph.Add("c", "d", "C1");

        Assert.Equal("a -> b (A1) -> c (B1) -> a (C1)", Assert.Single(graph.Cycles()));
    }

    [Fact]
    public void Model_Assembly_IsALeaf()
        => Assert.Empty(typeof(ActorId).Assembly.GetReferencedAssemblies()
            .Where(a => !a.Name!.StartsWith("System", StringComparison.Ordinal) && a.Name != "netstandard")
            .Select(a => a.Name));

    [Fact]
    public void Core_Assembly_KnowsNoStore()
        => Assert.DoesNotContain(typeof(GuardError).Assembly.GetReferencedAssemblies(), a => a.Name is "StackExchange.Redis" or "Guard.Storage.Redis" or "Guard.Storage.Memory");

    [Fact]
    public void Types_OfTheAssemblies_AreInternal()
        => Assert.Empty(Written().Where(t => t.IsPublic || t.IsNestedPublic && t.DeclaringType!.IsPublic).Select(t => t.FullName));

    [Fact]
    public void Classes_WithoutHeirs_AreSealed()
    {
        var bases = Written().Select(t => t.BaseType is { IsGenericType: true } b ? b.GetGenericTypeDefinition() : t.BaseType).ToHashSet();

        Assert.Empty(Written().Where(t => t.IsClass && !t.IsSealed && !bases.Contains(t)).Select(t => t.FullName));
    }

    [Fact]
    public void Interfaces_OutsideThePorts_HaveSeveralImplementations()
    {
        var lonely = Written()
            .Where(t => t.IsInterface && t.Namespace != "Guard.Model.Stores")
            .Where(i => Written().Count(t => t.IsClass && i.IsAssignableFrom(t)) < 2);

        Assert.Empty(lonely.Select(t => t.FullName));
    }

    [Fact]
    public void Names_OfTypes_SayWhatTheyAre()
    {
        string[] empty = ["Utils", "Util", "Helpers", "Helper", "Manager", "Common"];

        Assert.Empty(Written()
            .Where(t => empty.Any(e => t.Name.EndsWith(e, StringComparison.Ordinal)))
            .Select(t => t.FullName));
    }

    /// <summary>The room of a folder of Core is its first part; every other assembly is one room.</summary>
    private static string RoomOf(string folder)
    {
        var parts = folder.Split('.');
        return parts is ["Guard", "Core", var room, ..] ? room : $"{parts[0]}.{parts.ElementAtOrDefault(1)}";
    }

    /// <summary>Types somebody wrote, not the compiler or a source generator.</summary>
    private static IEnumerable<Type> Written() => Assemblies.SelectMany(a => a.GetTypes()).Where(t =>
        t.Namespace?.StartsWith("Guard.", StringComparison.Ordinal) == true
        && !t.Name.Contains('<', StringComparison.Ordinal)
        && !IsGenerated(t));

    private static bool IsGenerated(Type type)
        => type.GetCustomAttribute<CompilerGeneratedAttribute>() is not null
            || type.GetCustomAttribute<System.CodeDom.Compiler.GeneratedCodeAttribute>() is not null
            || (type.DeclaringType is { } outer && IsGenerated(outer));
}
