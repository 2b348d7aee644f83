using Guard.Core.Options;

namespace Guard.Core.Tests.Options;

public sealed class OptionsReloadTests
{
    [Fact]
    public void Merge_BothKindsOfKeysDiffer_TakesOnlyTheReloadable()
    {
        var running = OptionsFixture.ReadValid(("Guard:Datacenter:Name", "here"), ("Guard:Gateway:Cors:AllowedOrigins:0", "*"));
        var loaded = OptionsFixture.ReadValid(
            ("Guard:Datacenter:Name", "there"), ("Guard:FailFast:CheckDelay", "00:00:09"), ("Guard:Gateway:Cors:AllowedOrigins:0", "https://a.example"));

        var reload = OptionsReload.Merge(running, loaded);

        Assert.Equal("here", reload.Options.Datacenter.Name);
        Assert.Equal(TimeSpan.FromSeconds(9), reload.Options.FailFast.CheckDelay);
        Assert.Equal(["https://a.example"], reload.Options.Gateway.Cors.AllowedOrigins!);
        Assert.Equal(["Guard:FailFast:CheckDelay", "Guard:Gateway:Cors:AllowedOrigins"], reload.Applied);
        Assert.Equal(["Guard:Datacenter:Name"], reload.NeedRestart);
    }

    [Fact]
    public void Merge_NothingDiffers_ChangesNothing()
    {
        var running = OptionsFixture.ReadValid(("Guard:Control:RunnerTokens:0", "a"));
        var loaded = OptionsFixture.ReadValid(("Guard:Control:RunnerTokens:0", "a"));

        var reload = OptionsReload.Merge(running, loaded);

        Assert.Empty(reload.Applied);
        Assert.Empty(reload.NeedRestart);
        Assert.All(OptionKeys.All, key => Assert.True(key.IsSame(running, reload.Options), key.FullName));
    }

    [Fact]
    public void Merge_RunningOptions_AreNotTouched()
    {
        var running = OptionsFixture.ReadValid();
        var loaded = OptionsFixture.ReadValid(("Guard:FailFast:CheckDelay", "00:00:09"));

        OptionsReload.Merge(running, loaded);

        Assert.Equal(TimeSpan.FromSeconds(1), running.FailFast.CheckDelay);
    }
}
