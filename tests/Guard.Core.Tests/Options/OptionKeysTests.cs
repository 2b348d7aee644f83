using System.Reflection;
using Guard.Core.Options;

namespace Guard.Core.Tests.Options;

public sealed class OptionKeysTests
{
    [Fact]
    public void All_EveryPropertyOfGuardOptions_HasOneKeyOfItsPath()
    {
        var properties = Paths(typeof(GuardOptions), "").Order(StringComparer.Ordinal);

        Assert.Equal(properties, OptionKeys.All.Select(k => k.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void All_ReloadableKeys_AreThoseOfTheContract()
    {
        string[] reloadable =
        [
            "FailFast:Mode", "FailFast:CheckDelay", "FailFast:PollInterval", "FailFast:CacheTtl", "FailFast:RefuseWhenRed", "FailFast:ProbeInterval",
            "PoolHealth:ErrorsToTrip", "PoolHealth:SuccessesToClear", "PoolHealth:ErrorTtl",
            "Readiness:Timeout", "Readiness:RepairInterval", "Readiness:MaxWakeRetries", "Readiness:MaxHeld", "Readiness:MaxHeldPerPool", "Readiness:MaxHeldPerActor",
            "Retry:MaxAttempts", "Retry:BaseDelay", "Retry:MaxDelay",
            "Actors:RestartBaseDelay", "Actors:RestartMaxDelay", "Actors:RestartResetAfter",
            "Runners:StartTimeout", "Runners:ReadyTimeout", "Runners:EligibleAfter", "Runners:LostAfter", "Runners:AllowedEndpoints",
            "Gateway:Cors:AllowedOrigins",
            "Limits:MaxRequestBodyBytes", "Limits:RequestsPerClient", "Limits:RequestWindow", "Limits:ConcurrentPerClient",
            "Limits:WebSocketsPerClient", "Limits:WebSockets", "Limits:ConnectionsPerClient", "Limits:Connections",
            "Limits:WakesPerPool", "Limits:WakeWindow", "Limits:ShedHoldsAt", "Limits:ShedRequestsAt",
        ];

        Assert.Equal(reloadable, OptionKeys.All.Where(k => k.IsReloadable).Select(k => k.Name));
    }

    [Fact]
    public void All_Secrets_AreThoseThatHoldTokensOrPasswords()
        => Assert.Equal(
            ["Store:Redis:Configuration", "Runners:Token", "Auth:Tokens", "Control:Token", "Control:Tokens", "Control:ReadTokens", "Control:RunnerTokens"],
            OptionKeys.All.Where(k => k.IsSecret).Select(k => k.Name));

    [Fact]
    public void Format_DefaultOfEveryScalarKey_IsReadBackAsTheSame()
    {
        var defaults = new GuardOptions();
        foreach (var key in OptionKeys.All.Where(k => !k.IsList && k.Format(defaults) != "none"))
        {
            var options = OptionsFixture.ReadValid((key.FullName, key.Format(defaults)));

            Assert.True(key.IsSame(defaults, options), key.FullName);
        }
    }

    private static IEnumerable<string> Paths(Type type, string prefix)
        => type.GetProperties(BindingFlags.Public | BindingFlags.Instance).SelectMany(p =>
            p.PropertyType.Namespace == typeof(GuardOptions).Namespace && p.PropertyType.IsClass
                ? Paths(p.PropertyType, $"{prefix}{p.Name}:")
                : [prefix + p.Name]);
}
