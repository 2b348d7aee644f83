namespace Guard.Core.Tests.Options;

public sealed class UnknownKeysTests
{
    [Theory]
    [InlineData("Guard:FailFast:PolInterval", "Guard:FailFast:PollInterval")]
    [InlineData("Guard:FialFast:PollInterval", "Guard:FailFast:PollInterval")]
    [InlineData("Guard:PollInterval", "Guard:FailFast:PollInterval")]
    [InlineData("Guard:Failfast:Timeout", "Guard:Readiness:Timeout")]
    [InlineData("Guard:Control:Tokn", "Guard:Control:Token")]
    [InlineData("Guard:ExposeError", "Guard:ExposeErrors")]
    [InlineData("Guard:MaxHeldPerPol", "Guard:Readiness:MaxHeldPerPool")]
    [InlineData("Guard:Gateway:AllowedOrigins:0", "Guard:Gateway:Cors:AllowedOrigins")]
    public void Read_UnknownKey_NamesItAndTheNearestWithoutItsValue(string key, string nearest)
        => Assert.Equal($"{key}: is not a key of Guard; the nearest one is {nearest}", OptionsFixture.ReadInvalid((key, "hidden")));

    [Fact]
    public void Read_KeyBelowAScalar_IsUnknown()
        => Assert.StartsWith("Guard:FailFast:Mode:Value: is not a key of Guard", OptionsFixture.ReadInvalid(("Guard:FailFast:Mode:Value", "Off")), StringComparison.Ordinal);

    [Theory]
    [InlineData("Guard:Control:RunnerTokens:first")]
    [InlineData("Guard:Control:RunnerTokens:0:Token")]
    public void Read_ListEntryThatIsNoEntry_IsUnknown(string key)
        => Assert.StartsWith($"{key}: is not a key of Guard", OptionsFixture.ReadInvalid((key, "a")), StringComparison.Ordinal);

    [Theory]
    [InlineData("Guard")]
    [InlineData("Guard:FailFast")]
    [InlineData("Guard:Gateway:Cors")]
    public void Read_ValueForASection_IsRefused(string key)
        => Assert.Equal($"{key}: is a section and has no value of its own", OptionsFixture.ReadInvalid((key, "x")));

    [Fact]
    public void Read_UnknownSection_NamesEachLeaf()
        => Assert.EndsWith("(also wrong: Guard:Foo:B)", OptionsFixture.ReadInvalid(("Guard:Foo:A", "1"), ("Guard:Foo:B", "2")), StringComparison.Ordinal);

    [Theory]
    [InlineData("Guardian:FailFast:Mode")]
    [InlineData("GUARD_SERVICE_PORT")]
    [InlineData("FailFast:Mode")]
    public void Read_KeyOutsideGuard_IsNobodysBusiness(string key) => OptionsFixture.ReadValid((key, "x"));
}
