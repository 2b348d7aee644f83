using System.Buffers.Text;
using Guard.Core.Diagnostics;
using Guard.Model.Actors;

namespace Guard.Core.Tests.Request.Targets;

/// <summary>The query form: <c>/gateway/{name}/…?rvt-…</c>.</summary>
public sealed class TargetParserQueryTests
{
    private const string Get = "rvt-namespace=default&rvt-method=get";
    private const string Create = "rvt-namespace=default&rvt-method=getOrCreate&rvt-pool=main";

    private static ParsedTarget Parse(string query, string path = "/gateway/lobby/x") => ParsedTarget.Of($"{path}?{query}");

    [Fact]
    public void Parse_Get_GivesTheKeyAndNoPool()
    {
        var parsed = Parse("rvt-namespace=prod&rvt-method=get&rvt-key=region-west%2F1,shard-2,alpha%40beta&rvt-token=guard%2Ftoken&watch=1");
        Assert.Null(parsed.Error);
        Assert.Equal(RouteForm.Query, parsed.Form);
        Assert.Equal(new("prod", "lobby", @"region-west\/1/shard-2/alpha@beta", false, null, null, null, CrashPolicy.Sleep), parsed.Query);
        Assert.Equal("guard/token", parsed.Token);
        Assert.Equal("/x?watch=1", parsed.Forwarded);
    }

    [Fact]
    public void Parse_GetOrCreate_GivesEverything()
    {
        byte[] cbor = [0xa2, 0x65, .. "count"u8, 0x02, 0x67, .. "enabled"u8, 0xf5];
        var parsed = Parse(
            $"{Create}&rvt-key=shard-1&rvt-input={Base64Url.EncodeToString(cbor)}&rvt-region=us-west-2&rvt-crash-policy=restart"
                + "&rvt-skip-ready-wait=1");
        Assert.Null(parsed.Error);
        Assert.Equal(
            new("default", "lobby", "shard-1", true, "main", null, "us-west-2", CrashPolicy.Restart),
            parsed.Query! with { Input = null });
        Assert.Equal(cbor, parsed.Query.Input);
        Assert.True(parsed.SkipReadyWait);
        Assert.Equal("/x", parsed.Forwarded);
    }

    [Theory]
    [InlineData("", "/")]
    [InlineData("&rvt-key", "/")]
    [InlineData("&rvt-key=", "/")]
    [InlineData("&rvt-key=a", "a")]
    [InlineData("&rvt-key=,", @"\0/\0")]
    [InlineData("&rvt-key=a%2Cb", "a/b")]
    [InlineData("&rvt-key=a=b", "a=b")]
    [InlineData("&rvt-key=hello+world", "hello world")]
    public void Parse_Keys_AreSerialised(string parameter, string key) => Assert.Equal(key, Parse(Get + parameter).Query!.Key);

    [Theory]
    [InlineData("&rvt-runner=main", "main")]
    [InlineData("&rvt-pool=%6dain", "main")]
    public void Parse_PoolOrItsAlias_IsThePool(string parameter, string pool)
        => Assert.Equal(pool, Parse("rvt-namespace=default&rvt-method=getOrCreate" + parameter).Query!.Pool);

    [Theory]
    [InlineData("", CrashPolicyName.Sleep)]
    [InlineData("&rvt-crash-policy=sleep", CrashPolicyName.Sleep)]
    [InlineData("&rvt-crash-policy=destroy", CrashPolicyName.Destroy)]
    [InlineData("&rvt-crash-policy=%72estart", CrashPolicyName.Restart)]
    public void Parse_CrashPolicy_DefaultsToSleep(string parameter, CrashPolicyName policy)
        => Assert.Equal((CrashPolicy)policy, Parse(Create + parameter).Query!.CrashPolicy);

    [Theory]
    [InlineData("&rvt-skip-ready-wait=true", true)]
    [InlineData("&rvt-skip-ready-wait=1", true)]
    [InlineData("&rvt-skip-ready-wait=false", false)]
    [InlineData("&rvt-skip-ready-wait=0", false)]
    [InlineData("", false)]
    public void Parse_SkipReadyWait_IsRead(string parameter, bool skip) => Assert.Equal(skip, Parse(Get + parameter).SkipReadyWait);

    [Theory]
    [InlineData("/gateway/lobby", "", "/")]
    [InlineData("/gateway/lobby/", "", "/")]
    [InlineData("/gateway/lobby/ws", "&&", "/ws")]
    [InlineData("/gateway/lobby/ws", "&a=1&&b=&=c&", "/ws?a=1&b=&=c")]
    [InlineData("/gateway/lobby", "&a=1", "/?a=1")]
    [InlineData("/gateway/lobby/%2E./a%2fb//", "&url=https%3A%2F%2Fx&q=c%2B+d&lower=%2f", "/%2E./a%2fb//?url=https%3A%2F%2Fx&q=c%2B+d&lower=%2f")]
    [InlineData("/gateway/lobby/x", "&%72vt-namespace=kept&RVT-x=kept", "/x?%72vt-namespace=kept&RVT-x=kept")]
    [InlineData("http://h.example/gateway/lobby/x", "&a=?b", "/x?a=?b")]
    public void Parse_QueryForm_ForwardsEveryOtherByte(string path, string more, string forwarded)
        => Assert.Equal(forwarded, Parse(Get + more, path).Forwarded);

    [Fact]
    public void Parse_EncodedName_IsDecoded() => Assert.Equal("lob-by_1.x", Parse(Get, "/gateway/lob%2Dby%5F1%2ex/y").Query!.Name);

    [Theory]
    // Names and values.
    [InlineData("rvt-method=get", "query_invalid_params", "rvt-namespace")]
    [InlineData("rvt-namespace=&rvt-method=get", "query_invalid_params", "rvt-namespace")]
    [InlineData("rvt-namespace=My+Ns&rvt-method=get", "query_invalid_params", "rvt-namespace")]
    [InlineData("rvt-namespace=-a&rvt-method=get", "query_invalid_params", "rvt-namespace")]
    [InlineData("rvt-namespace=default", "query_invalid_params", "rvt-method")]
    [InlineData("rvt-namespace=default&rvt-method", "query_invalid_params", "rvt-method")]
    [InlineData("rvt-namespace=default&rvt-method=create", "query_invalid_params", "rvt-method")]
    [InlineData("rvt-namespace=default&rvt-method=GET", "query_invalid_params", "rvt-method")]
    [InlineData("rvt-namespace=default&rvt-method=getOrCreateaaaaaaaaaaaaaaaaaaa", "query_invalid_params", "rvt-method")]
    [InlineData(Get + "&rvt-foo=1", "query_invalid_params", "rvt-foo")]
    [InlineData(Get + "&rvt-", "query_invalid_params", "rvt-")]
    [InlineData(Get + "&rvt-Key=1", "query_invalid_params", "rvt-Key")]
    [InlineData(Get + "&rvt-%6bey=1", "query_invalid_params", "rvt-%6bey")]
    [InlineData(Get + "&rvt-pool=NO", "query_invalid_params", "rvt-pool")]
    [InlineData(Create + "x_y", "query_invalid_params", "rvt-pool")]
    [InlineData("rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=", "query_invalid_params", "rvt-runner")]
    [InlineData(Create + "&rvt-region=", "query_invalid_params", "rvt-region")]
    [InlineData(Create + "&rvt-crash-policy=Sleep", "query_invalid_params", "rvt-crash-policy")]
    [InlineData(Create + "&rvt-crash-policy=", "query_invalid_params", "rvt-crash-policy")]
    [InlineData(Get + "&rvt-skip-ready-wait=maybe", "query_invalid_params", "rvt-skip-ready-wait")]
    [InlineData(Get + "&rvt-skip-ready-wait", "query_invalid_params", "rvt-skip-ready-wait")]
    [InlineData(Get + "&rvt-skip-ready-wait=TRUE", "query_invalid_params", "rvt-skip-ready-wait")]
    // Given twice.
    [InlineData("rvt-namespace=default&" + Get, "query_duplicate_param", "rvt-namespace")]
    [InlineData(Get + "&rvt-method=get", "query_duplicate_param", "rvt-method")]
    [InlineData(Get + "&rvt-key=&rvt-key=", "query_duplicate_param", "rvt-key")]
    [InlineData(Create + "&rvt-runner=main", "query_duplicate_param", "rvt-runner")]
    [InlineData("rvt-runner=main&" + Create, "query_duplicate_param", "rvt-pool")]
    [InlineData(Get + "&rvt-token=a&rvt-token=a", "query_duplicate_param", "rvt-token")]
    // Encoding.
    [InlineData("rvt-namespace=%zz&rvt-method=get", "query_invalid_percent_encoding", "rvt-namespace")]
    [InlineData(Get + "&rvt-key=a,%", "query_invalid_percent_encoding", "rvt-key")]
    [InlineData(Get + "&rvt-key=%f0%9f%92", "query_invalid_percent_encoding", "rvt-key")]
    [InlineData(Get + "&rvt-token=%ff", "query_invalid_percent_encoding", "rvt-token")]
    [InlineData(Get + "&rvt-skip-ready-wait=%1", "query_invalid_percent_encoding", "rvt-skip-ready-wait")]
    [InlineData(Create + "&rvt-region=%80", "query_invalid_percent_encoding", "rvt-region")]
    [InlineData(Create + "&rvt-crash-policy=%C0%80", "query_invalid_percent_encoding", "rvt-crash-policy")]
    [InlineData(Create + "&rvt-input=%g0", "query_invalid_percent_encoding", "rvt-input")]
    [InlineData(Create + "%", "query_invalid_percent_encoding", "rvt-pool")]
    [InlineData("rvt-namespace=default&rvt-method=%ge", "query_invalid_percent_encoding", "rvt-method")]
    // What get does not take.
    [InlineData(Get + "&rvt-input=AA", "query_get_disallowed_params", "rvt-input")]
    [InlineData(Get + "&rvt-region=", "query_get_disallowed_params", "rvt-region")]
    [InlineData(Get + "&rvt-crash-policy=sleep", "query_get_disallowed_params", "rvt-crash-policy")]
    [InlineData(Get + "&rvt-runner=main", "query_get_disallowed_params", "rvt-runner")]
    // What getOrCreate needs, and input.
    [InlineData("rvt-namespace=default&rvt-method=getOrCreate", "query_missing_pool", "rvt-pool")]
    [InlineData(Create + "&rvt-input=*", "query_invalid_base64_input", "rvt-input")]
    [InlineData(Create + "&rvt-input=AA==", "query_invalid_base64_input", "rvt-input")]
    [InlineData(Create + "&rvt-input=A", "query_invalid_base64_input", "rvt-input")]
    [InlineData(Create + "&rvt-input=A+A", "query_invalid_base64_input", "rvt-input")]
    [InlineData(Create + "&rvt-input=A/A", "query_invalid_base64_input", "rvt-input")]
    [InlineData(Create + "&rvt-input=Zm9v", "query_invalid_cbor_input", "rvt-input")]
    [InlineData(Create + "&rvt-input=", "query_invalid_cbor_input", "rvt-input")]
    [InlineData(Create + "&rvt-input=AQE", "query_invalid_cbor_input", "rvt-input")] // two values
    [InlineData(Create + "&rvt-input=_w", "query_invalid_cbor_input", "rvt-input")] // a break without a start
    [InlineData(Create + "&rvt-input=gQ", "query_invalid_cbor_input", "rvt-input")] // an array of one without it
    [InlineData(Create + "&rvt-input=m_________8", "query_invalid_cbor_input", "rvt-input")] // an array of 2^64-1
    [InlineData(Create + "&rvt-input=W_________8", "query_invalid_cbor_input", "rvt-input")] // a string of 2^64-1 bytes
    [InlineData(Create + "&rvt-input=HA", "query_invalid_cbor_input", "rvt-input")] // reserved additional information
    public void Parse_BadParameters_NameTheParameter(string query, string code, string name)
    {
        var parsed = Parse(query);
        Assert.Equal("guard." + code, parsed.Code);
        Assert.Equal(400, parsed.Error!.Status);
        Assert.Equal(name, parsed.Error.Metadata!.Name);
        Assert.Equal(code == "query_invalid_params", parsed.Error.Metadata.Detail is not null);
        Assert.Equal(RouteForm.None, parsed.Form);
    }

    [Theory]
    [InlineData("/gateway/", "guard.query_empty_actor_name")]
    [InlineData("/gateway", "guard.query_empty_actor_name")]
    [InlineData("/gateway/lobby@token/connect", "guard.query_path_token_syntax")]
    [InlineData("/gateway/@/x", "guard.query_path_token_syntax")]
    [InlineData("/gateway/lobby%40token/x", "guard.query_invalid_params")]
    [InlineData("/gateway/lob%2Fby/x", "guard.query_invalid_params")]
    [InlineData("/gateway/lob+by/x", "guard.query_invalid_params")]
    [InlineData("/gateway/lob;by/x", "guard.query_invalid_params")]
    [InlineData("/gateway/%E2%9C%93/x", "guard.query_invalid_params")]
    [InlineData("/gateway/%zz/x", "guard.query_invalid_percent_encoding")]
    [InlineData("/gateway/%ff/x", "guard.query_invalid_percent_encoding")]
    [InlineData("/gateway//lobby/x", "guard.no_route")]
    [InlineData("/gatewayy/lobby/x", "guard.no_route")]
    [InlineData("/gateway/lobby/.guard/x", "guard.no_route")]
    public void Parse_BadName_SaysSo(string path, string code)
    {
        var parsed = Parse(Get, path);
        Assert.Equal(code, parsed.Code);
        Assert.True(parsed.Error!.Metadata is { Detail: not null } or { Name: not null } or { Path: not null });
    }

    [Fact]
    public void Parse_Lengths_AreBounded()
    {
        Assert.Null(Parse(Get, "/gateway/" + new string('n', 64)).Error);
        Assert.Null(Parse(Get, "/gateway/%6e" + new string('n', 63)).Error);
        Assert.Equal("guard.query_invalid_params", Parse(Get, "/gateway/" + new string('n', 65)).Code);
        Assert.Equal("guard.query_invalid_params", Parse(Get, "/gateway/%6e" + new string('n', 64)).Code);
        Assert.Null(Parse("rvt-method=get&rvt-namespace=%6e" + new string('n', 62)).Error);
        Assert.Equal("guard.query_invalid_params", Parse("rvt-method=get&rvt-namespace=%6e" + new string('n', 63)).Code);
        Assert.Equal("guard.query_invalid_params", Parse($"{Create}&rvt-region=" + new string('r', 64)).Code);
        Assert.Null(Parse($"{Get}&rvt-key=" + new string('k', 1024)).Error);
        Assert.Equal("guard.query_invalid_params", Parse($"{Get}&rvt-key=" + new string('k', 1025)).Code);
        Assert.Equal("guard.query_invalid_params", Parse($"{Get}&rvt-token=" + new string('t', 2049)).Code);
        Assert.Equal("guard.query_invalid_params", Parse($"{Get}&rvt-token=%74" + new string('t', 2048)).Code);
        Assert.Equal(64, Parse($"{Get}&rvt-" + new string('u', 4000)).Error!.Metadata!.Name!.Length);
    }

    [Fact]
    public void Parse_EveryValueEncodedAndLongest_FitsTheScratch()
    {
        static string Escape(char c, int count) => string.Concat(Enumerable.Repeat($"%{(int)c:x2}", count));
        var query = $"rvt-namespace={Escape('n', 63)}&rvt-method={Escape('g', 1)}etOrCreate&rvt-key={Escape('k', 1024)}&rvt-pool={Escape('p', 63)}"
            + $"&rvt-region={Escape('r', 63)}&rvt-crash-policy=%64estroy&rvt-token={Escape('t', 2048)}&rvt-skip-ready-wait=fals%65";
        var parsed = Parse(query, $"/gateway/{Escape('a', 64)}/x");
        Assert.Null(parsed.Error);
        Assert.Equal(
            new(new('n', 63), new('a', 64), new('k', 1024), true, new('p', 63), null, new('r', 63), CrashPolicy.Destroy),
            parsed.Query);
        Assert.Equal(new string('t', 2048), parsed.Token);
    }

    /// <summary><see cref="CrashPolicy"/> is internal, and the parameters of a test are not.</summary>
    public enum CrashPolicyName
    {
        Sleep,
        Restart,
        Destroy,
    }
}
