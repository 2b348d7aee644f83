using System.Text.Json;
using Guard.Model.Actors;
using Guard.Model.Pools;

namespace Guard.Core.Tests.Errors;

/// <summary>docs/actor-errors.md has a row for every error of actors and pools.</summary>
public sealed class ActorErrorReferenceTests
{
    private static string Reference() => File.ReadAllText(Path.Combine(SourceRulesTests.RepositoryRoot(), "docs/actor-errors.md"));

    [Fact]
    public void Reference_EveryActorError_HasARow()
    {
        var text = Reference();
        foreach (var kind in Enum.GetValues<ActorErrorKind>())
        {
            using var stream = new MemoryStream();
            using (var writer = new Utf8JsonWriter(stream))
            {
                ActorErrorJsonConverter.Write(writer, new(kind, "r", "m"), null);
            }

            var json = JsonElement.Parse(stream.ToArray());
            var name = json.ValueKind == JsonValueKind.String ? json.GetString()! : json.EnumerateObject().Single().Name;
            Assert.Matches($"""(?m)^\| `[{"{"}]?"{name}".*\|$""", text);
        }
    }

    [Fact]
    public void Reference_EveryPoolError_HasARow()
    {
        var text = Reference();
        foreach (var kind in Enum.GetValues<PoolErrorKind>())
        {
            Assert.Matches($"""(?m)^\| `[{"{"}]?"{kind.Name()}".*\|$""", text);
        }
    }
}
