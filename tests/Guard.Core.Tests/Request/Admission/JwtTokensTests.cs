using System.Security.Cryptography;
using System.Text.Json;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Model.Ids;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Guard.Core.Tests.Request.Admission;

/// <summary>Tokens signed here, checked with keys read from a file as an operator gives it.</summary>
public sealed class JwtTokensTests : IAsyncLifetime
{
    private static readonly PoolId Lobby = new("games", "lobby");

    private readonly string _keyFile = Path.GetTempFileName();
    private readonly RSA _rsa = RSA.Create(2048);
    private readonly ECDsa _ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly GuardOptions _options = new();
    private JwtKeys _keys = null!;
    private JwtTokens _tokens = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _options.Auth = new() { Mode = AuthMode.Jwt, Jwt = { Issuer = "https://issuer", Audience = "guard", KeyFile = _keyFile } };
        await StartAsync($"{_rsa.ExportSubjectPublicKeyInfoPem()}\n{_ec.ExportSubjectPublicKeyInfoPem()}\n");
    }

    public async ValueTask DisposeAsync()
    {
        await _keys.StopAsync(CancellationToken.None);
        _keys.Dispose();
        _tokens.Dispose();
        _rsa.Dispose();
        _ec.Dispose();
        File.Delete(_keyFile);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Find_GoodToken_ItsClaimsAreItsScope(bool rsa)
    {
        var scope = _tokens.Find(Make(new() { ["namespaces"] = new[] { "games" }, ["pools"] = "lobby", ["actors"] = new[] { "room/*" } }, rsa: rsa));

        Assert.NotNull(scope);
        Assert.True(scope.Allows(Lobby, "room", "blue", "x"));
        Assert.False(scope.Allows(Lobby, "hall", "blue", "x"));
        Assert.False(scope.Allows(new("games", "other"), "room", "blue", "x"));
        Assert.False(scope.Allows(new("work", "lobby"), "room", "blue", "x"));
    }

    [Fact]
    public void Find_NoNamespaces_GoodForNothing()
    {
        var scope = _tokens.Find(Make([]));

        Assert.NotNull(scope);
        Assert.False(scope.MayFind("games"));
    }

    [Theory]
    [InlineData("issuer")]
    [InlineData("audience")]
    [InlineData("expired")]
    [InlineData("not yet")]
    [InlineData("other key")]
    [InlineData("no signature")]
    [InlineData("changed")]
    [InlineData("hmac with the public key")]
    [InlineData("garbage")]
    public void Find_NotGood_Refused(string what)
    {
        using var stranger = RSA.Create(2048);
        Dictionary<string, object> claims = new() { ["namespaces"] = "*" };
        var good = Make(claims);
        var token = what switch
        {
            "issuer" => Make(claims, issuer: "https://evil"),
            "audience" => Make(claims, audience: "other"),
            "expired" => Make(claims, from: -120, until: -60),
            "not yet" => Make(claims, from: 60, until: 120),
            "other key" => Make(claims, key: new(new RsaSecurityKey(stranger), SecurityAlgorithms.RsaSha256)),
            "no signature" => Unsigned(claims),
            "changed" => good[..good.IndexOf('.')] + "." + Base64UrlEncoder.Encode("""{"iss":"https://issuer","aud":"guard","namespaces":"*","exp":9999999999}""") + good[good.LastIndexOf('.')..],
            "hmac with the public key" => Make(claims, key: new(new SymmetricSecurityKey(_rsa.ExportSubjectPublicKeyInfo()), SecurityAlgorithms.HmacSha256)),
            _ => "a.b.c",
        };

        Assert.NotNull(_tokens.Find(good));
        Assert.Null(_tokens.Find(token));
    }

    [Fact]
    public void Find_WithinTheSkewAndAfter_GoodThenNot()
    {
        var token = Make(new() { ["namespaces"] = "*" }, from: -60, until: 10);

        Assert.NotNull(_tokens.Find(token));
        _time.Advance(TimeSpan.FromSeconds(39));
        Assert.NotNull(_tokens.Find(token));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(_tokens.Find(token));
    }

    [Fact]
    public async Task Keys_Rotated_NewOnesCountAfterAnUnknownOneWasMet()
    {
        using var fresh = RSA.Create(2048);
        var token = Make(new() { ["namespaces"] = "*" }, until: 300, key: new(new RsaSecurityKey(fresh), SecurityAlgorithms.RsaSha256));
        Assert.Null(_tokens.Find(token));

        var jwk = JsonWebKeyConverter.ConvertFromRSASecurityKey(new(fresh.ExportParameters(includePrivateParameters: false)));
        await File.WriteAllTextAsync(_keyFile, JsonSerializer.Serialize(new { keys = new[] { new { kty = jwk.Kty, n = jwk.N, e = jwk.E, use = "sig" } } }), Token);

        // It asked for the keys again when it met the unknown one; they are read as soon as ten seconds have passed.
        for (var moved = 0; _tokens.Find(token) is null; moved++)
        {
            Assert.True(moved < 200, "the new key never counted");
            _time.Advance(TimeSpan.FromSeconds(1));
            await Readiness.ReadinessHarness.SettleAsync(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously).Task);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{\"keys\":[]}")]
    [InlineData("nonsense")]
    [InlineData("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----")]
    public void Parse_NoKeys_SaysSo(string text) => Assert.Throws<FormatException>(() => JwtKeys.Parse(text));

    private async Task StartAsync(string keys)
    {
        await File.WriteAllTextAsync(_keyFile, keys, Token);
        var live = new LiveOptions(_options);
        _keys = new(live, new GuardMetrics(live), _time, NullLogger<JwtKeys>.Instance);
        await _keys.StartAsync(Token);
        _tokens = new(live, _keys, _time, NullLogger<JwtTokens>.Instance);
    }

    private string Make(
        Dictionary<string, object> claims, bool rsa = true, string issuer = "https://issuer", string audience = "guard", int from = -1, int until = 60, SigningCredentials? key = null)
    {
        var now = _time.GetUtcNow().UtcDateTime;
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = audience,
            NotBefore = now.AddSeconds(from),
            Expires = now.AddSeconds(until),
            Claims = claims,
            SigningCredentials = key ?? (rsa ? new(new RsaSecurityKey(_rsa), SecurityAlgorithms.RsaSha256) : new(new ECDsaSecurityKey(_ec), SecurityAlgorithms.EcdsaSha256)),
        });
    }

    private string Unsigned(Dictionary<string, object> claims)
    {
        var payload = Make(claims).Split('.')[1];
        return $"{Base64UrlEncoder.Encode("""{"alg":"none","typ":"JWT"}""")}.{payload}.";
    }
}
