using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Hosting;
using Guard.TestSupport;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Tests.Hosting;

/// <summary>A configuration file that changes under a running Guard. The clock stands still unless the test moves it.</summary>
public sealed class ReloadTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Reload_ReloadableKeyChanged_IsInForceWithinTwoSeconds()
    {
        await using var guard = await StartAsync("""{"Guard":{"FailFast":{"CheckDelay":"00:00:03"}}}""");
        Assert.Equal(TimeSpan.FromSeconds(3), Options(guard).FailFast.CheckDelay);

        Write("""{"Guard":{"FailFast":{"CheckDelay":"00:00:00.500"}}}""");
        Pass(TimeSpan.FromSeconds(2));

        Assert.Equal(TimeSpan.FromMilliseconds(500), Options(guard).FailFast.CheckDelay);
        Assert.Equal(1, guard.Get<GuardMetrics>().ConfigReloadSuccess.Value);
        Assert.Contains(guard.Log.Lines, l => l.StartsWith("Information Configuration reloaded: 1 options changed: Guard:FailFast:CheckDelay", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"Guard":{"FailFast":{"CheckDelay":"00:00:09","Mode":"typo"}}}""", "Guard:FailFast:Mode: 'typo' is not allowed")]
    [InlineData("""{"Guard":{"FailFast":{"CheckDelay":"00:00:09","Mood":"Off"}}}""", "Guard:FailFast:Mood: is not a key of Guard")]
    [InlineData("""{"Guard":{"FailFast":{"CheckDelay":"00:00:09"}},"Kestrel":{"Endpoints":{"ControlB":{"Url":"http://*:1"}}}}""", "Kestrel:Endpoints:ControlB:Url: 'http://*:1' is not allowed")]
    [InlineData("""{"Guard":{"FailFast":{"CheckDelay":"00:00:09"}""", "Failed to load configuration from file")]
    [InlineData(null, "guard.json' was not found")]
    public async Task Reload_NotValid_KeepsEveryValueAndSaysSo(string? text, string problem)
    {
        await using var guard = await StartAsync("""{"Guard":{"FailFast":{"CheckDelay":"00:00:03"}}}""");

        Write(text);
        Pass(TimeSpan.FromSeconds(2));

        Assert.Equal(TimeSpan.FromSeconds(3), Options(guard).FailFast.CheckDelay);
        Assert.Equal(0, guard.Get<GuardMetrics>().ConfigReloadSuccess.Value);
        var error = Assert.Single(guard.Log.Lines, l => l.StartsWith("Error ", StringComparison.Ordinal));
        Assert.Contains(problem, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reload_OneOfTwoFilesNotValid_AppliesNeither()
    {
        await using var guard = await StartAsync("""{"Guard":{"FailFast":{"CheckDelay":"00:00:03"}}}""", """{"Guard":{"FailFast":{"CacheTtl":"00:00:03"}}}""");
        var published = 0;
        guard.Get<LiveOptions>().Changed += () => published++;

        Write("""{"Guard":{"FailFast":{"CheckDelay":"00:00:04"}}}""");
        _directory.Write("second.json", "{");
        Pass(TimeSpan.FromSeconds(2));

        Assert.Equal(0, published);
        Assert.Equal(TimeSpan.FromSeconds(3), Options(guard).FailFast.CheckDelay);

        _directory.Write("second.json", """{"Guard":{"FailFast":{"CacheTtl":"00:00:04"}}}""");
        Pass(TimeSpan.FromSeconds(2));

        Assert.Equal(1, published);
        Assert.Equal((TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(4)), (Options(guard).FailFast.CheckDelay, Options(guard).FailFast.CacheTtl));
    }

    [Fact]
    public async Task Reload_ValidAgainAfterARefusal_IsApplied()
    {
        await using var guard = await StartAsync("{}");
        Write("{");
        Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(0, guard.Get<GuardMetrics>().ConfigReloadSuccess.Value);

        Write("""{"Guard":{"FailFast":{"Mode":"Off"}}}""");
        Pass(TimeSpan.FromSeconds(2));

        Assert.Equal(FailFastMode.Off, Options(guard).FailFast.Mode);
        Assert.Equal(1, guard.Get<GuardMetrics>().ConfigReloadSuccess.Value);
    }

    [Fact]
    public async Task Reload_KeyThatNeedsARestart_StaysAndIsNamed()
    {
        await using var guard = await StartAsync("{}");

        Write("""{"Guard":{"Datacenter":{"Name":"other"},"FailFast":{"Mode":"Off"}},"Kestrel":{"Endpoints":{"Extra":{"Url":"http://127.0.0.1:1"}}}}""");
        Pass(TimeSpan.FromSeconds(2));

        Assert.Equal("default", Options(guard).Datacenter.Name);
        Assert.Equal(FailFastMode.Off, Options(guard).FailFast.Mode);
        Assert.Single(guard.Log.Lines, l => l.StartsWith("Warning Configuration reloaded, but these changes need a restart: Guard:Datacenter:Name, Kestrel:Endpoints", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Reload_FileWrittenInSteps_IsReadOnceItIsLeftAlone()
    {
        await using var guard = await StartAsync("{}");

        for (var i = 1; i <= 5; i++)
        {
            Write(new string(' ', i) + "{");
            Pass(TimeSpan.FromMilliseconds(500));
        }

        Write("""{"Guard":{"FailFast":{"Mode":"Off"}}}""");
        Pass(TimeSpan.FromSeconds(1));

        Assert.Equal(FailFastMode.Off, Options(guard).FailFast.Mode);
        Assert.DoesNotContain(guard.Log.Lines, l => l.StartsWith("Error ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Reload_MountedVolumeSwapped_IsSeen()
    {
        // As Kubernetes does it: guard.json -> ..data/guard.json, ..data -> a directory per version, replaced by one rename.
        foreach (var (version, mode) in new[] { ("v1", "Report"), ("v2", "Off") })
        {
            Directory.CreateDirectory(Path.Combine(_directory.Root, version));
            _directory.Write(Path.Combine(version, "guard.json"), $"{{\"Guard\":{{\"FailFast\":{{\"Mode\":\"{mode}\"}}}}}}");
        }

        File.CreateSymbolicLink(Path.Combine(_directory.Root, "..data"), "v1");
        File.CreateSymbolicLink(Path.Combine(_directory.Root, "guard.json"), Path.Combine("..data", "guard.json"));
        await using var guard = await StartAsync(null);
        Assert.Equal(FailFastMode.Report, Options(guard).FailFast.Mode);

        await _directory.MoveLinkAsync("..data", "v2");
        Pass(TimeSpan.FromSeconds(2));

        Assert.Equal(FailFastMode.Off, Options(guard).FailFast.Mode);
    }

    private static GuardOptions Options(TestGuard guard) => guard.Get<LiveOptions>().Current;

    /// <param name="text">Null when the file is there already.</param>
    /// <param name="second">Text of a stronger file; null for none.</param>
    private async Task<TestGuard> StartAsync(string? text, string? second = null)
    {
        if (text is not null)
        {
            Write(text);
        }

        if (second is not null)
        {
            _directory.Write("second.json", second);
        }

        // The variable that names the file belongs to the process, so the layer is added the way it would be by it.
        string[] names = second is null ? ["guard.json"] : ["guard.json", "second.json"];
        return await TestGuard.StartAsync(
            services: s => s.AddSingleton<TimeProvider>(_time),
            parts: new GuardAppParts
            {
                Configure = builder => Array.ForEach(
                    names, name => global::Guard.Configuration.ConfigurationLayers.AddFile(builder.Configuration, Path.Combine(_directory.Root, name), optional: false)),
            });
    }

    private void Write(string? text)
    {
        if (text is null)
        {
            File.Delete(Path.Combine(_directory.Root, "guard.json"));
        }
        else
        {
            _directory.Write("guard.json", text);
        }
    }

    /// <summary>In small steps: the watch compares one look with the next.</summary>
    private void Pass(TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += TimeSpan.FromMilliseconds(100))
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
        }
    }
}
