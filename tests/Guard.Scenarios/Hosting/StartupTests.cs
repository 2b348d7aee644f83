using System.Net;
using System.Net.Sockets;
using Guard.TestSupport;

namespace Guard.Scenarios.Hosting;

/// <summary>The real binary with configurations it must refuse, and the order of the places they come from.</summary>
public sealed class StartupTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Guard:FailFast:PollInterval", "abc", "a duration [d.]hh:mm:ss[.fff] from 00:00:00.001 to 01:00:00")]
    [InlineData("Guard:FailFast:Mode", "Enforced", "one of Enforce, Report, Off")]
    [InlineData("Guard:FailFast:Push", "1", "true or false")]
    [InlineData("Guard:Readiness:MaxHeld", "99999999999", "a whole number from 1 to 10000000")]
    [InlineData("Guard:Retry:BaseDelay", "00:00:03", "at most Guard:Retry:MaxDelay (00:00:02)")]
    [InlineData("Guard:Store:Redis:CallTimeout", "0", "a duration [d.]hh:mm:ss[.fff] from 00:00:00.001 to 00:01:00")]
    [InlineData("Guard:Seed:File", "/absent.json", "the path of a file that exists, or nothing")]
    [InlineData("Guard:Gateway:TrustedProxies:0", "10.0.0.0/64", "a network such as 10.0.0.0/8 (host bits zero), or an address")]
    [InlineData("Kestrel:Endpoints:Control:Url", "http://0.0.0.0:0", "a loopback address such as http://127.0.0.1:6421 as long as Guard:Control:Token is not set")]
    [InlineData("Kestrel:Endpoints:ControlTwo:Url", "http://example.com:0", "a loopback address such as http://127.0.0.1:6421 as long as Guard:Control:Token is not set")]
    [InlineData("Kestrel:Endpoints:Gateway:Url", "http://127.0.0.1:abc", "http:// or https:// with an IP address, localhost, a host name or *, and a port from 0 to 65535")]
    [InlineData("Kestrel:Endpoints:Gateway:Protocols", "Http11", "Http1, Http2 or Http1AndHttp2")]
    public async Task Start_BadValue_ExitsWithOneLineThatNamesKeyValueAndWhatIsAllowed(string key, string value, string allowed)
    {
        var (exitCode, error, output) = await GuardCommand.RunAsync([$"--{key}={value}"], Ct);

        Assert.Equal(2, exitCode);
        Assert.Equal($"guard: {key}: '{value}' is not allowed; expected {allowed}\n", error);
        Assert.Empty(output);
    }

    [Fact]
    public async Task Start_UnknownKeyInEnvironment_ExitsWithOneLineThatNamesTheNearest()
    {
        var (exitCode, error, output) = await GuardCommand.RunAsync([], Ct, null, ("Guard__Control__Tokenn", "secret"));

        Assert.Equal(2, exitCode);
        Assert.Equal("guard: Guard:Control:Tokenn: is not a key of Guard; the nearest one is Guard:Control:Token\n", error);
        Assert.Empty(output);
    }

    [Theory]
    [InlineData("ASPNETCORE_FORWARDEDHEADERS_ENABLED", "true")]
    [InlineData("DOTNET_FORWARDEDHEADERS_ENABLED", "True")]
    [InlineData("FORWARDEDHEADERS_ENABLED", "true")]
    public async Task Start_ForwardedHeadersEnabled_ExitsWithOneLineThatNamesTheOptionToUse(string variable, string value)
    {
        var (exitCode, error, output) = await GuardCommand.RunAsync([], Ct, null, (variable, value));

        Assert.Equal(2, exitCode);
        Assert.StartsWith("guard: ASPNETCORE_FORWARDEDHEADERS_ENABLED: 'true' is not allowed", error, StringComparison.Ordinal);
        Assert.Contains("Guard:Gateway:TrustedProxies", error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
        Assert.Empty(output);
    }

    [Theory]
    [InlineData("http://127.0.0.1:{port}")]
    [InlineData("http://localhost:{port}")]
    [InlineData("http://[::ffff:127.0.0.1]:{port}")]
    [InlineData("http://0x7f000001:{port}")]
    public async Task Start_SeedPointsAtGuardsOwnPort_Exits(string endpoint)
    {
        var port = FreePort.Next();
        using var directory = new TemporaryDirectory();
        var seed = directory.Write("seed.json", """
            {"runner_configs":[{"runner_name":"default","datacenters":{"default":{"normal":{}}}}],
             "runners":[{"name":"default","key":"r","version":1,"endpoint":"ENDPOINT","total_slots":1}]}
            """.Replace("ENDPOINT", endpoint.Replace("{port}", $"{port}", StringComparison.Ordinal), StringComparison.Ordinal));

        var (exitCode, error, _) = await GuardCommand.RunAsync(
            [$"--Guard:Seed:File={seed}", $"--Kestrel:Endpoints:Gateway:Url=http://127.0.0.1:{port}"], Ct);

        Assert.Equal(2, exitCode);
        Assert.Contains("runners[0].endpoint: points to", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_BadToken_ExitsWithoutShowingIt()
    {
        var (exitCode, error, _) = await GuardCommand.RunAsync([], Ct, null, ("Guard__Control__RunnerTokens__0", "sec ret"));

        Assert.Equal(2, exitCode);
        Assert.Equal("guard: Guard:Control:RunnerTokens:0: the value (not shown) is not allowed; expected visible ASCII characters without spaces\n", error);
    }

    [Fact]
    public async Task Start_ConfigFileMissing_ExitsWithOneLine()
    {
        var (exitCode, error, _) = await GuardCommand.RunAsync([], Ct, null, ("GUARD_CONFIG", "/absent/guard.json"));

        Assert.Equal(2, exitCode);
        Assert.Equal("guard: GUARD_CONFIG: '/absent/guard.json' is not allowed; expected the path of a JSON file that exists and can be read\n", error);
    }

    [Theory]
    [InlineData("appsettings.json")]
    [InlineData("guard.json")]
    public async Task Start_FileThatIsNoJson_ExitsWithOneLineThatNamesFileAndPlace(string name)
    {
        using var directory = new TemporaryDirectory();
        var path = directory.Write(name, "{ \"Guard\": { \"FailFast\": }");

        var (exitCode, error, _) = await GuardCommand.RunAsync([], Ct, directory.Root, name == "guard.json" ? [("GUARD_CONFIG", path)] : []);

        Assert.Equal(2, exitCode);
        Assert.StartsWith("guard: Failed to load configuration from file '" + path, error, StringComparison.Ordinal);
        Assert.Contains("LineNumber: 0", error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task Start_AddressInUse_ExitsWithOneLineThatNamesTheEndpoint()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var url = $"http://{taken.LocalEndpoint}";

        var (exitCode, error, output) = await GuardCommand.RunAsync(
            ["--Kestrel:Endpoints:Gateway:Url=http://127.0.0.1:0", $"--Kestrel:Endpoints:Control:Url={url}"], Ct);

        Assert.Equal(2, exitCode);
        Assert.Equal($"guard: Kestrel:Endpoints:Control:Url: Failed to bind to address {url}: address already in use.\n", error);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    /// <summary>Each place sets the mode to something it is not allowed to be: the one that is complained about is the strongest.</summary>
    [Theory]
    [InlineData("in-appsettings", false, false, false, false)]
    [InlineData("in-environment-file", true, false, false, false)]
    [InlineData("in-guard-config", true, true, false, false)]
    [InlineData("in-variable", true, true, true, false)]
    [InlineData("on-command-line", true, true, true, true)]
    public async Task Start_SeveralPlaces_TheStrongestWins(string expected, bool environmentFile, bool guardConfig, bool variable, bool commandLine)
    {
        using var directory = new TemporaryDirectory();
        directory.Write("appsettings.json", Mode("in-appsettings"));
        var environment = new List<(string, string)> { ("DOTNET_ENVIRONMENT", "Staging") };
        if (environmentFile)
        {
            directory.Write("appsettings.Staging.json", Mode("in-environment-file"));
        }

        if (guardConfig)
        {
            directory.Write(".guard.json", Mode("in-guard-config"));
            environment.Add(("GUARD_CONFIG", ".guard.json"));
        }

        if (variable)
        {
            environment.Add(("Guard__FailFast__Mode", "in-variable"));
        }

        var (_, error, _) = await GuardCommand.RunAsync(
            commandLine ? ["--Guard:FailFast:Mode=on-command-line"] : [], Ct, directory.Root, [.. environment]);

        Assert.Equal($"guard: Guard:FailFast:Mode: '{expected}' is not allowed; expected one of Enforce, Report, Off\n", error);

        static string Mode(string value) => $"{{\"Guard\":{{\"FailFast\":{{\"Mode\":\"{value}\"}}}}}}";
    }
}
