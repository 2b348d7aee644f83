using Guard.Core.Options;

namespace Guard.Core.Tests.Options;

public sealed class OptionsReaderTests
{
    [Fact]
    public void Read_NothingConfigured_GivesTheDefaults()
    {
        var options = OptionsFixture.ReadValid();

        Assert.All(OptionKeys.All, key => Assert.True(key.IsSame(new GuardOptions(), options), key.FullName));
    }

    [Fact]
    public void Read_EveryKind_IsRead()
    {
        var options = OptionsFixture.ReadValid(
            ("Guard:FailFast:Mode", "report"),
            ("guard:failfast:POLLINTERVAL", "00:00:00.250"),
            ("Guard:RouteCache:Ttl", "1.00:00:00"),
            ("Guard:FailFast:Push", "False"),
            ("Guard:Limits:MaxRequestBodyBytes", "5000000000"),
            ("Guard:Runners:Token", "s3cret!"),
            ("Guard:Control:RunnerTokens:0", "a"),
            ("Guard:Control:RunnerTokens:1", "b"),
            ("Guard:Seed:File", "seed.json"),
            ("Guard:Gateway:ActorDomain", "actors.example.com"));

        Assert.Equal(FailFastMode.Report, options.FailFast.Mode);
        Assert.Equal(TimeSpan.FromMilliseconds(250), options.FailFast.PollInterval);
        Assert.Equal(TimeSpan.FromDays(1), options.RouteCache.Ttl);
        Assert.False(options.FailFast.Push);
        Assert.Equal(5_000_000_000, options.Limits.MaxRequestBodyBytes);
        Assert.Equal("s3cret!", options.Runners.Token);
        Assert.Equal(["a", "b"], options.Control.RunnerTokens!);
        Assert.Equal("seed.json", options.Seed.File);
        Assert.Equal("actors.example.com", options.Gateway.ActorDomain);
    }

    [Theory]
    [InlineData("FailFast:PollInterval", "abc")]
    [InlineData("FailFast:PollInterval", "")]
    [InlineData("FailFast:PollInterval", "2")] // two days, says the framework
    [InlineData("FailFast:PollInterval", "00:00:00")]
    [InlineData("FailFast:PollInterval", "-00:00:01")]
    [InlineData("FailFast:PollInterval", "01:00:01")]
    [InlineData("FailFast:PollInterval", "24:00:00")] // 24 days, says the framework
    [InlineData("FailFast:CacheTtl", "-00:00:00.001")]
    [InlineData("FailFast:Mode", "Enforced")]
    [InlineData("FailFast:Mode", "1")]
    [InlineData("FailFast:Mode", "Enforce,Off")]
    [InlineData("FailFast:Push", "1")]
    [InlineData("FailFast:Push", "yes")]
    [InlineData("Datacenter:Label", "0")]
    [InlineData("Datacenter:Label", "65536")]
    [InlineData("Datacenter:Label", "1.5")]
    [InlineData("Datacenter:Label", "0x10")]
    [InlineData("Datacenter:Name", "Default")]
    [InlineData("Datacenter:Name", "")]
    [InlineData("Readiness:MaxHeld", "99999999999999999999")]
    [InlineData("Readiness:MaxHeld", "-1")]
    [InlineData("Limits:MaxRequestBodyBytes", "9223372036854775808")]
    [InlineData("Limits:MaxRequestBodyBytes", "20MB")]
    [InlineData("PoolHealth:ErrorsToTrip", "0")]
    [InlineData("Retry:MaxAttempts", "0")]
    [InlineData("Store:Provider", "Sqlite")]
    [InlineData("Store:Redis:KeyPrefix", "{a}")]
    [InlineData("Gateway:ActorDomain", "actors_example.com")]
    [InlineData("Gateway:ActorDomain", ".example.com")]
    [InlineData("Gateway:ActorDomain", "127.0.0.1")]
    [InlineData("Gateway:TrustedProxies:0", "10.0.0.0/33")]
    [InlineData("Gateway:TrustedProxies:0", "proxy")]
    [InlineData("Gateway:TrustedProxies:0", "")]
    [InlineData("Gateway:Cors:AllowedOrigins:0", "https://example.com/")]
    [InlineData("Runners:AllowedEndpoints:0", "bad-entry")]
    [InlineData("Runners:AllowedEndpoints:0", "a b")]
    [InlineData("Control:AdvertisedUrl", "ftp://example.com")]
    [InlineData("Control:AdvertisedUrl", "http://example.com?x=1")]
    [InlineData("Seed:File", "absent.json")]
    public void Read_BadValue_NamesKeyValueAndWhatIsAllowedInOneLine(string name, string value)
    {
        var line = OptionsFixture.ReadInvalid(($"Guard:{name}", value));

        Assert.StartsWith($"Guard:{name}: '{value}' is not allowed; expected ", line, StringComparison.Ordinal);
        Assert.True(line.Length > $"Guard:{name}: '{value}' is not allowed; expected ".Length);
        Assert.DoesNotContain('\n', line);
    }

    [Theory]
    [InlineData("Runners:Token", "hidden value")]
    [InlineData("Control:Token", "hidden\nvalue")]
    [InlineData("Control:RunnerTokens:0", "hidden\u00e9")]
    [InlineData("Control:RunnerTokens", "hidden")]
    [InlineData("Control:AdvertisedUrl", "http://user:hidden@example.com")]
    public void Read_BadSecret_NeverShowsTheValue(string name, string value)
    {
        var line = OptionsFixture.ReadInvalid(($"Guard:{name}", value));

        Assert.StartsWith($"Guard:{name}: the value (not shown) is not allowed; expected ", line, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_ValueWithLineBreaksAndGreatLength_StaysOneShortLine()
    {
        var line = OptionsFixture.ReadInvalid(("Guard:FailFast:Mode", "a\r\nb\u2028" + new string('x', 1000)));

        Assert.StartsWith(@"Guard:FailFast:Mode: 'a\u000d\u000ab\u2028xxx", line, StringComparison.Ordinal);
        Assert.True(line.Length < 250);
        Assert.DoesNotContain('\n', line);
    }

    [Theory]
    [InlineData("Readiness:MaxHeldPerPool", "50001", "Guard:Readiness:MaxHeldPerPool: '50001' is not allowed; expected at most Guard:Readiness:MaxHeld (50000)")]
    [InlineData("Readiness:MaxHeldPerActor", "10001", "Guard:Readiness:MaxHeldPerActor: '10001' is not allowed; expected at most Guard:Readiness:MaxHeldPerPool (10000)")]
    [InlineData("Retry:BaseDelay", "00:00:02.001", "Guard:Retry:BaseDelay: '00:00:02.001' is not allowed; expected at most Guard:Retry:MaxDelay (00:00:02)")]
    [InlineData("Runners:LostAfter", "00:00:10", "Guard:Runners:LostAfter: '00:00:10' is not allowed; expected more than Guard:Runners:EligibleAfter (00:00:10)")]
    [InlineData("Runners:Tls:Key", "seed.json", "Guard:Runners:Tls:Key: 'seed.json' is not allowed; expected nothing as long as Guard:Runners:Tls:Certificate is not set")]
    [InlineData("Tls:Keys:0", "seed.json", "Guard:Tls:Keys: '[seed.json]' is not allowed; expected as many entries as Guard:Tls:Certificates (none) has, or none")]
    [InlineData("Tls:Certificates:0", "absent.pem", "Guard:Tls:Certificates:0: 'absent.pem' is not allowed; expected the path of a PEM file that exists")]
    [InlineData("Runners:Tls:Authorities", "absent.pem", "Guard:Runners:Tls:Authorities: 'absent.pem' is not allowed; expected the path of a file that exists, or nothing")]
    public void Read_KeysThatContradictEachOther_NamesBoth(string name, string value, string expected)
        => Assert.Equal(expected, OptionsFixture.ReadInvalid(($"Guard:{name}", value)));

    [Fact]
    public void Read_RedisThatCannotBeParsed_NamesTheKeyAndHidesTheValue()
    {
        (string, string) redis = ("Guard:Store:Redis:Configuration", "bad-redis");

        var line = OptionsFixture.ReadInvalid(("Guard:Store:Provider", "Redis"), redis);

        Assert.StartsWith("Guard:Store:Redis:Configuration: ", line, StringComparison.Ordinal);
        Assert.DoesNotContain("bad-redis", line, StringComparison.Ordinal);
        Assert.True(OptionsFixture.Read(("Guard:Store:Provider", "Memory"), redis).IsValid);
    }

    [Fact]
    public void Read_SeveralProblems_TellsTheFirstAndNamesTheOthers()
        => Assert.Equal(
            "Guard:FailFast:Mode: 'x' is not allowed; expected one of Enforce, Report, Off (also wrong: Guard:FailFast:Push, Guard:Retry:MaxAttempts)",
            OptionsFixture.ReadInvalid(("Guard:Retry:MaxAttempts", "x"), ("Guard:FailFast:Push", "x"), ("Guard:FailFast:Mode", "x")));

    [Fact]
    public void Read_JsonNullAndEmptySections_AreAsIfAbsent()
    {
        var result = OptionsFixture.ReadJson("""{"Guard":{"FailFast":{"Mode":null},"Readiness":{},"Runners":null,"Control":{"RunnerTokens":null}}}""");

        Assert.True(result.IsValid, string.Join('\n', result.Problems));
        Assert.Equal(FailFastMode.Enforce, result.Options.FailFast.Mode);
        Assert.Null(result.Options.Control.RunnerTokens);
    }

    [Fact]
    public void Read_JsonValues_AreReadWhateverTheirJsonType()
    {
        var result = OptionsFixture.ReadJson("""{"Guard":{"FailFast":{"Push":false},"Retry":{"MaxAttempts":7},"Datacenter":{"Label":"3"}}}""");

        Assert.True(result.IsValid, string.Join('\n', result.Problems));
        Assert.Equal((false, 7, 3), (result.Options.FailFast.Push, result.Options.Retry.MaxAttempts, result.Options.Datacenter.Label));
    }

    [Fact]
    public void Read_EmptyList_IsNotTheDefault()
    {
        var result = OptionsFixture.ReadJson("""{"Guard":{"Gateway":{"Cors":{"AllowedOrigins":[]}}}}""");

        Assert.Empty(result.Options!.Gateway.Cors.AllowedOrigins!);
    }

    [Theory]
    [InlineData("Guard:Control:Token")]
    [InlineData("Guard:Runners:Token")]
    [InlineData("Guard:Seed:File")]
    public void Read_EmptyOptionalText_IsNone(string key)
    {
        var options = OptionsFixture.ReadValid((key, ""));

        Assert.Null(options.Control.Token ?? options.Runners.Token ?? options.Seed.File);
    }

    [Fact]
    public void Read_CommaListForAList_IsRefused()
        => Assert.Equal(
            "Guard:Gateway:TrustedProxies: '10.0.0.0/8,::1' is not allowed; expected a list, one key per entry: Guard:Gateway:TrustedProxies:0, Guard:Gateway:TrustedProxies:1, …",
            OptionsFixture.ReadInvalid(("Guard:Gateway:TrustedProxies", "10.0.0.0/8,::1")));
}
