using System.Text;
using Guard.Core.Options;
using Guard.Import;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Tests.Import;

public sealed class ImportInputTests
{
    private static readonly ActorId Own = ActorId.New(1);

    private static (ImportedActor Actor, string? Problem) Read(byte[] line, bool mayBeNamed = true)
        => ImportInput.Read(line, new("default", mayBeNamed), new DatacenterOptions());

    private static string? ProblemOf(string line, bool mayBeNamed = true) => Read(Encoding.UTF8.GetBytes(line), mayBeNamed).Problem;

    [Fact]
    public void Read_EveryField_IsTaken()
    {
        var line = $$"""
            {"actor_id":"{{Own}}","namespace":"other","name":"room","key":"a/b","runner_name_selector":"p","crash_policy":"restart","input":"AQI=","datacenter":"default","generation":3,"create_ts":5}
            """;

        var (actor, problem) = Read(Encoding.UTF8.GetBytes(line));

        Assert.Null(problem);
        Assert.True(actor.HasOwnId);
        Assert.Equal(
            (Own, "other/p", "room", "a/b", CrashPolicy.Restart, 3L, 5L),
            (actor.Actor.Id, actor.Actor.Pool.ToString(), actor.Actor.Name, actor.Actor.Key, actor.Actor.CrashPolicy, actor.Actor.Generation, actor.Actor.CreateTs));
        Assert.Equal([1, 2], actor.Actor.Input!);
    }

    [Fact]
    public void Read_LeastFields_DefaultsAndAnIdOfThisDatacenter()
    {
        var (actor, problem) = Read("""{"name":"room","key":"a","runner_name_selector":"p"}"""u8.ToArray());

        Assert.Null(problem);
        Assert.False(actor.HasOwnId);
        Assert.Equal((1, "default/p", CrashPolicy.Sleep, 0L, null), (actor.Actor.Id.Label, actor.Actor.Pool.ToString(), actor.Actor.CrashPolicy, actor.Actor.Generation, actor.Actor.CreateTs));
    }

    [Theory]
    [InlineData("""{"name":"room","key":"a","runner_name_selector":"p""", "not valid JSON at byte ")]
    [InlineData("""{"name":"room","key":"a"}""", "runner_name_selector: missing; ")]
    [InlineData("""{"name":"room","name":"room","key":"a","runner_name_selector":"p"}""", "name: given twice")]
    [InlineData("""{"name":"room","key":"a","runner_name_selector":"p","generation":-1}""", "generation: must be a whole number from 0 to 1000000000000000")]
    [InlineData("""{"name":"room","key":"a","runner_name_selector":"p","create_ts":1.5}""", "create_ts: must be a whole number")]
    [InlineData("""{"name":"room","key":"a","runner_name_selector":"p","namespace":"A"}""", "namespace: ")]
    [InlineData("""{"name":"room","key":"a","runner_name_selector":"p","datacenter":"eu"}""", "datacenter: this datacenter is 'default'")]
    [InlineData("""{"name":"room","key":"a","runner_name_selector":"p","actor_id":"short"}""", "actor_id: must be an actor id")]
    [InlineData("[]", "must be an object")]
    public void Read_SomethingWrong_SaysWhereAndWhatIsAllowed(string line, string says)
        => Assert.StartsWith(says, ProblemOf(line), StringComparison.Ordinal);

    [Fact]
    public void Read_NamespaceWhereTheCallNamesIt_IsAnUnknownField()
        => Assert.StartsWith(
            "namespace: unknown field", ProblemOf("""{"name":"room","key":"a","runner_name_selector":"p","namespace":"default"}""", mayBeNamed: false), StringComparison.Ordinal);

    [Fact]
    public void Read_InvalidUtf8_SaysSo()
        => Assert.Equal("not valid UTF-8", Read([.. "{\"name\":\""u8, 0xC3, 0x28, .. "\"}"u8]).Problem);
}
