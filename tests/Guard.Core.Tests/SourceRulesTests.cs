using System.Text.RegularExpressions;

namespace Guard.Core.Tests;

/// <summary>Rules a compiler does not hold, read from the source under src/. Each exception stands here with its reason, and must
/// still be one: a stale exception fails too.</summary>
public sealed partial class SourceRulesTests
{
    private static readonly string Src = Path.Combine(RepositoryRoot(), "src");

    /// <summary>Statuses are errors' business: these write one that is none.</summary>
    private static readonly Dictionary<string, string> StatusWriters = new()
    {
        ["Guard.Core/Request/Admission/CorsPolicy.cs"] = "204, the answer to a preflight",
        ["Guard/Demo/EchoRunner.cs"] = "a runner, not Guard",
        ["Guard/Health/HealthEndpoints.cs"] = "200 or 503, as probes read them",
        ["Guard/Tls/HttpsRedirect.cs"] = "307, the way to https",
    };

    /// <summary>What runs in the background and may end.</summary>
    private static readonly Dictionary<string, string> UnguardedServices = new()
    {
        ["Guard/Demo/DemoMode.cs"] = "a demo that cannot be set up ends the process, and says so",
    };

    [Fact]
    public void StatusCode_IsSet_OnlyByErrors()
    {
        var writers = FilesMatching(StatusAssignment()).Where(f => !f.StartsWith("Guard.Core/Errors/", StringComparison.Ordinal)).ToArray();

        Assert.Empty(writers.Except(StatusWriters.Keys));
    }

    [Fact]
    public void BannedSymbols_AreNever_Allowed()
        => Assert.Empty(FilesMatching(BannedSuppression()));

    [Fact]
    public void TaskCompletionSources_RunContinuations_Asynchronously()
        => Assert.Empty(FilesMatching(InlineCompletion()));

    [Fact]
    public void Waiting_IsNever_Blocking()
        => Assert.Empty(FilesMatching(BlockingWait()));

    [Fact]
    public void AsyncVoid_IsNever_Used()
        => Assert.Empty(FilesMatching(AsyncVoid()));

    /// <summary>The one style rule that no build holds; over the tests and the benchmarks as well.</summary>
    [Theory]
    [InlineData("src")]
    [InlineData("tests")]
    [InlineData("bench")]
    public void Members_AreNever_QualifiedByThis(string folder)
        => Assert.Empty(FilesMatching(ThisQualifier(), Path.Combine(RepositoryRoot(), folder)));

    [Fact]
    public void Demo_KnowsOnly_TheHttpContract()
        => Assert.DoesNotContain(FilesMatching(InternalUsing()), f => f.StartsWith("Guard/Demo/", StringComparison.Ordinal));

    [Fact]
    public void BackgroundServices_RunIn_AGuardedLoop()
    {
        var services = FilesMatching(BackgroundService()).Except(UnguardedServices.Keys);

        Assert.Empty(services.Except(FilesMatching(GuardedLoop())));
    }

    [Fact]
    public void Exceptions_AreStill_Needed()
    {
        var writers = FilesMatching(StatusAssignment()).ToArray();

        Assert.Empty(UnguardedServices.Keys.Except(FilesMatching(BackgroundService())));

        Assert.Empty(StatusWriters.Keys.Except(writers));
    }

    /// <summary>Paths under src/, with forward slashes.</summary>
    private static IEnumerable<string> FilesMatching(Regex rule) => FilesMatching(rule, Src);

    private static IEnumerable<string> FilesMatching(Regex rule, string root) => Directory
        .EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
        .Where(file => rule.IsMatch(WithoutComments(File.ReadAllText(file))))
        .Select(file => Path.GetRelativePath(root, file).Replace('\\', '/'));

    private static string WithoutComments(string source) => LineComment().Replace(source, "");

    internal static string RepositoryRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Guard.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("the tests do not run inside the repository");
    }

    [GeneratedRegex(@"\bthis\.\w")]
    private static partial Regex ThisQualifier();

    // Response.StatusCode = 404, and not: StatusCode == 404, or an object's own member StatusCode in an initializer.
    [GeneratedRegex(@"\.StatusCode\s*=(?!=)")]
    private static partial Regex StatusAssignment();

    [GeneratedRegex(@":\s*BackgroundService\b")]
    private static partial Regex BackgroundService();

    [GeneratedRegex(@"\bGuardedLoop\b")]
    private static partial Regex GuardedLoop();

    [GeneratedRegex(@"(disable|SuppressMessage\([^)]*)\s*""?RS0030")]
    private static partial Regex BannedSuppression();

    // Every constructor call of one, generic or not, that does not name the option before it closes.
    [GeneratedRegex(@"TaskCompletionSource(<[^;=]*?>)?\s+\w+\s*(\{[^}]*\}\s*)?=\s*new\(\s*\)|new\s+TaskCompletionSource(<[^;()]*>)?\((?![^;]*RunContinuationsAsynchronously)")]
    private static partial Regex InlineCompletion();

    [GeneratedRegex(@"\.GetAwaiter\(\)\s*\.GetResult\(\)|\.Wait\(\)|\.WaitOne\(|Task\.WaitA(ll|ny)\(")]
    private static partial Regex BlockingWait();

    [GeneratedRegex(@"\basync\s+void\b")]
    private static partial Regex AsyncVoid();

    [GeneratedRegex(@"using\s+(static\s+)?Guard\.(?!Demo)|\bGuard\.(Core|Model|Storage)\.")]
    private static partial Regex InternalUsing();

    [GeneratedRegex(@"//[^\n]*")]
    private static partial Regex LineComment();
}
