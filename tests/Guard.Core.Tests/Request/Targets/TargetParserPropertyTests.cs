using CsCheck;
using Guard.Core.Request.Targets;
using Guard.Core.Transport.Http;
using Microsoft.Extensions.Primitives;

namespace Guard.Core.Tests.Request.Targets;

public sealed class TargetParserPropertyTests
{
    private static readonly string A = ParsedTarget.A.ToString();

    private static readonly string Visible = string.Concat(Enumerable.Range('!', '~' - '!' + 1).Select(c => (char)c).Where(c => c != '#'));

    private static readonly Gen<string> Path = Gen.String[Gen.Char[Visible.Replace("?", "", StringComparison.Ordinal)], 0, 40]
        .Select(rest => rest.Length == 0 ? "" : "/" + rest).Where(path => !GuardChannelPath.IsReserved(path));

    private static readonly Gen<string> OtherPath = Path.Where(path => path.Length > 0 && !GatewayPath.TryMatch(path, out _, out _));

    private static readonly Gen<string> Query = Gen.String[Gen.Char[Visible + "&&&===rvt-"], 0, 60]
        .Where(query => !RvtParams.AnyIn(query)).Select(query => "?" + query);

    private static readonly Gen<string> Part = Gen.String[Gen.Char[Visible.Replace("&", "", StringComparison.Ordinal)], 1, 12]
        .Where(part => !RvtParams.IsReserved(part));

    private static readonly string[] Reserved =
    [
        "rvt-namespace=default", "rvt-method=getOrCreate", "rvt-pool=main", "rvt-key=a%2Fb,c", "rvt-token=%74", "rvt-skip-ready-wait=1",
        "rvt-region=eu", "rvt-crash-policy=destroy", "rvt-input=9g", "", "",
    ];

    private static readonly Gen<int[]> Places = Gen.Int[0, int.MaxValue].Array[Reserved.Length];

    private static readonly string[] Fragments =
    [
        "/gateway/", "/gateway", A, A.ToUpperInvariant(), "lobby", "@", "@tok", "%", "%4", "%40", "%2e", "..", ".", "/", "//", "\\", "?", "&", "=",
        "rvt-", "rvt-namespace=default", "rvt-method=get", "rvt-method=getOrCreate", "rvt-pool=main", "rvt-key=a,b", "rvt-key=%ff", "rvt-input=",
        "rvt-input=gYGBgYGB", "rvt-token", "rvt-skip-ready-wait=1", "/request", "http://", "h.example", ":", ".guard", "%252e", ";", "#", " ", "\0",
        "é", "\uD800", "\uDC00", "漢", "*",
    ];

    private static readonly Gen<string> Garbage = Gen.OneOf(
        Gen.Char.Array[0, 40].Select(chars => new string(chars)),
        Gen.Int[0, Fragments.Length - 1].Array[0, 14].Select(picks => string.Concat(picks.Select(i => Fragments[i]))),
        Gen.Select(Gen.String[Gen.Char["/gateway%2e@?&=rvt-"], 0, 40], s => "/gateway/" + s));

    [Fact]
    public void Parse_DirectForm_ForwardsPathAndQueryByteForByte()
        => Gen.Select(Path, Gen.OneOf(Gen.Const(""), Query)).Sample((path, query) =>
        {
            var parsed = ParsedTarget.Of($"/gateway/{A}{path}{query}");
            return parsed.Error is null && parsed.Forwarded == (path.Length == 0 ? "/" : path) + query;
        });

    [Fact]
    public void Parse_WholePathForms_ForwardTheTargetByteForByte()
        => Gen.Select(OtherPath, Gen.OneOf(Gen.Const(""), Query)).Sample((path, query) =>
        {
            var offer = ParsedTarget.Of(new TargetRequest
            {
                RawTarget = path + query,
                IsWebSocket = true,
                Subprotocols = $"rivet, rivet_target.actor, rivet_actor.{A}",
            });
            var host = ParsedTarget.Of(new TargetRequest { RawTarget = path + query, Host = $"{A}.{ParsedTarget.Domain}" });
            return offer.Forwarded == path + query && host.Forwarded == path + query;
        });

    [Fact]
    public void Parse_QueryForm_ForwardsAllButTheReservedAndEmptyParts()
        => Gen.Select(Path, Part.Array[0, 6], Gen.Shuffle(Reserved), Places).Sample((path, rest, reserved, places) =>
        {
            var parts = rest.ToList();
            for (var i = 0; i < reserved.Length; i++)
            {
                parts.Insert(places[i] % (parts.Count + 1), reserved[i]);
            }

            var parsed = ParsedTarget.Of($"/gateway/lobby{path}?{string.Join('&', parts)}");
            var expected = (path.Length == 0 ? "/" : path) + (rest.Length == 0 ? "" : "?" + string.Join('&', rest));
            return parsed.Error is null && parsed.Forwarded == expected && parsed.Query!.Key == @"a\/b/c" && parsed.Token == "t";
        });

    [Fact]
    public void Parse_ArbitraryInput_NeverThrowsAndAlwaysExplains()
        => Gen.Select(Garbage, Garbage, Garbage, Garbage, Gen.Bool).Sample(
            (raw, header, offered, host, flag) =>
            {
                var parsed = ParsedTarget.Of(new TargetRequest
                {
                    RawTarget = raw,
                    Host = flag ? host : $"{header}.{ParsedTarget.Domain}",
                    Target = flag ? "actor" : StringValues.Empty,
                    Actor = header,
                    Token = host,
                    SkipReadyWait = flag ? "1" : StringValues.Empty,
                    IsWebSocket = flag,
                    Subprotocols = new(["rivet_target.actor", offered, flag ? null : "rivet_actor." + header]),
                });
                return parsed.Error is { } error
                    ? error.Status is 400 or 404 && error.Metadata is { Detail: not null } or { Name: not null } or { Path: not null }
                    : parsed.Forwarded!.StartsWith('/') && !parsed.Forwarded.Contains('#');
            },
            iter: 20_000);

    [Fact]
    public void Parse_ArbitraryTargets_NeverThrowsAndAlwaysExplains()
        => Garbage.Sample(
            raw =>
            {
                var parsed = ParsedTarget.Of(raw);
                return parsed.Error is { } error
                    ? error.Metadata is { Detail: not null } or { Name: not null } or { Path: not null }
                    : parsed.Forwarded!.StartsWith('/');
            },
            iter: 50_000);

    [Fact]
    public void Parse_ArbitraryInput_IsOneCborValueOrRefused()
        => Gen.Byte.Array[0, 40].Sample(
            bytes =>
            {
                var input = System.Buffers.Text.Base64Url.EncodeToString(bytes);
                var parsed = ParsedTarget.Of("/gateway/l?rvt-namespace=d&rvt-method=getOrCreate&rvt-pool=p&rvt-input=" + input);
                return parsed.Code switch
                {
                    null => parsed.Query!.Input!.AsSpan().SequenceEqual(bytes),
                    var code => code == "guard.query_invalid_cbor_input",
                };
            },
            iter: 20_000);
}
