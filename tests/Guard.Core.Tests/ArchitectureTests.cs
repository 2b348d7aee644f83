using System.Reflection;
using System.Runtime.CompilerServices;
using NetArchTest.Rules;

namespace Guard.Core.Tests;

/// <summary>
/// Who may know whom in Guard.Core. A folder may use the folders before it in the request flow (Targets, Routing, Readiness,
/// Forwarding), those in the state flow, and Errors, Diagnostics and Options. Read from the compiled assembly, so that a fully
/// qualified name counts as much as a using.
/// </summary>
public sealed class ArchitectureTests
{
    private const string Root = "Guard.Core.";

    private static readonly Assembly Core = typeof(Guard.Core.Errors.GuardError).Assembly;

    /// <summary>Anyone may answer with an error value, count, log, read options and wait.</summary>
    private static readonly string[] Everywhere = ["Errors", "Diagnostics", "Options", "Async"];

    /// <summary>The domain and its ports. Its folders know each other: an actor is of a pool and on a runner.</summary>
    private static readonly string[] State = ["Actors", "Runners", "Pools", "Serverless", "Storage"];

    /// <summary>What each folder may use besides itself. A new folder needs a line of its own here.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        // The request flow: each step knows those before it.
        ["Targets"] = [.. Everywhere, "Actors"], // rvt-crash-policy and rvt-input make actors: the one word of the domain a target needs
        ["Routing"] = [.. Everywhere, .. State, "Targets"],
        ["Readiness"] = [.. Everywhere, .. State, "Targets", "Routing", "Limits"],
        ["Forwarding"] = [.. Everywhere, .. State, "Targets", "Routing", "Readiness"],
        ["Gateway"] = [.. Everywhere, .. State, "Targets", "Routing", "Readiness", "Forwarding", "Limits", "Auth"],

        // What stands at the door: they know addresses, tokens and pools, and no request.
        ["Limits"] = [.. Everywhere, "Pools"],
        ["Auth"] = [.. Everywhere, "Pools"],

        // The state flow knows ids (they are in Targets) and never a client's request.
        ["Actors"] = [.. Everywhere, .. State, "Targets"],
        ["Runners"] = [.. Everywhere, .. State, "Targets"],
        ["Pools"] = [.. Everywhere, .. State, "Targets"],
        ["Serverless"] = [.. Everywhere, .. State, "Targets"],
        ["Storage"] = ["Actors", "Runners", "Pools", "Targets"], // ports speak of records and of nothing that moves
        ["Storage.Memory"] = [.. Everywhere, .. State, "Targets"],
        ["Storage.Redis"] = [.. Everywhere, .. State, "Targets"],

        // Below both flows. Errors carry what failed; metrics have pools and ids for labels and rays.
        ["Errors"] = ["Diagnostics", "Options", "Actors", "Pools"],
        ["Diagnostics"] = ["Options", "Pools", "Targets"],
        ["Async"] = ["Options"],
        ["Options"] = [],
    };

    /// <summary>Stores are chosen where Guard is put together (the host) and known by nobody else.</summary>
    private static readonly string[] OnlyThemselves = ["Storage.Memory", "Storage.Redis"];

    public static TheoryData<string> Folders => [.. Allowed.Keys];

    [Theory]
    [MemberData(nameof(Folders))]
    public void Folder_Dependencies_AreAllowed(string folder)
    {
        var forbidden = Allowed.Keys
            .Where(other => other != folder && !folder.StartsWith(other + ".", StringComparison.Ordinal))
            .Where(other => OnlyThemselves.Contains(other) || !Allowed[folder].Contains(other))
            .ToArray();

        foreach (var other in forbidden)
        {
            var users = UsersOf(folder, other);
            Assert.True(users.Length == 0, $"{folder} may not use {other}, but does: {string.Join(", ", users)}");
        }
    }

    [Fact]
    public void Folders_OfTheAssembly_AllHaveARule()
    {
        var found = Core.GetTypes()
            .Select(t => t.Namespace)
            .OfType<string>()
            .Where(n => n.StartsWith(Root, StringComparison.Ordinal))
            .Select(FolderOf)
            .Distinct();

        Assert.Empty(found.Except(Allowed.Keys));
    }

    [Fact]
    public void Scan_KnownDependency_IsSeen()
    {
        // A scan that sees nothing would pass every rule above.
        Assert.NotEmpty(UsersOf("Routing", "Targets"));
        Assert.NotEmpty(UsersOf("Errors", "Pools"));
    }

    [Fact]
    public void Types_OfTheAssembly_AreInternal()
        => Assert.Empty(Written().Where(t => t.IsPublic || t.IsNestedPublic && t.DeclaringType!.IsPublic).Select(t => t.FullName));

    [Fact]
    public void Classes_WithoutHeirs_AreSealed()
    {
        var bases = Written().Select(t => t.BaseType is { IsGenericType: true } b ? b.GetGenericTypeDefinition() : t.BaseType).ToHashSet();

        Assert.Empty(Written().Where(t => t.IsClass && !t.IsSealed && !bases.Contains(t)).Select(t => t.FullName));
    }

    [Fact]
    public void Interfaces_OutsideStorage_HaveSeveralImplementations()
    {
        var lonely = Written()
            .Where(t => t.IsInterface && t.Namespace != Root + "Storage")
            .Where(i => Core.GetTypes().Count(t => t.IsClass && i.IsAssignableFrom(t)) < 2);

        Assert.Empty(lonely.Select(t => t.FullName));
    }

    [Fact]
    public void Names_OfTypes_SayWhatTheyAre()
    {
        string[] empty = ["Utils", "Util", "Helpers", "Helper", "Manager", "Common"];
        // Scales a pool's connections: the name is the design's.
        string[] allowed = ["ServerlessPoolManager"];

        Assert.Empty(Written()
            .Where(t => empty.Any(e => t.Name.EndsWith(e, StringComparison.Ordinal)) && !allowed.Contains(t.Name))
            .Select(t => t.FullName));
    }

    private static string[] UsersOf(string folder, string other)
    {
        var types = Types.InAssembly(Core).That().ResideInNamespaceMatching($@"^Guard\.Core\.{folder.Replace(".", @"\.", StringComparison.Ordinal)}(\.|$)");
        if (folder == "Storage")
        {
            // The ports alone; the stores below them have rules of their own.
            types = Types.InAssembly(Core).That().ResideInNamespaceMatching(@"^Guard\.Core\.Storage$");
        }

        var result = types.ShouldNot().HaveDependencyOn(Root + other).GetResult();
        return result.IsSuccessful ? [] : [.. result.FailingTypeNames];
    }

    private static string FolderOf(string @namespace)
    {
        var folder = @namespace[Root.Length..];
        return Allowed.ContainsKey(folder) ? folder : folder.Split('.')[0];
    }

    /// <summary>Types somebody wrote, not the compiler or a source generator.</summary>
    private static IEnumerable<Type> Written() => Core.GetTypes().Where(t =>
        t.Namespace?.StartsWith("Guard.Core", StringComparison.Ordinal) == true
        && !t.Name.Contains('<', StringComparison.Ordinal)
        && !IsGenerated(t));

    private static bool IsGenerated(Type type)
        => type.GetCustomAttribute<CompilerGeneratedAttribute>() is not null
            || type.GetCustomAttribute<System.CodeDom.Compiler.GeneratedCodeAttribute>() is not null
            || (type.DeclaringType is { } outer && IsGenerated(outer));
}
