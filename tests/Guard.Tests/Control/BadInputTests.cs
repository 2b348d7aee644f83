namespace Guard.Tests.Control;

/// <summary>What callers may get wrong: each is 400 <c>api.bad_request</c> naming the field, and changes nothing in the store.</summary>
public sealed class BadInputTests
{
    private const string PutConfig = "PUT /runner-configs/p?namespace=n";
    private const string PostActor = "POST /actors?namespace=n";
    private const string PostRunner = "POST /runners?namespace=n";
    private const string PostEvents = "POST /runners/RUNNER/events";
    private const string PostError = "POST /pool-health/p/errors?namespace=n";

    /// <summary>A call, its body and the field that is wrong ("" = the whole body).</summary>
    public static TheoryData<string, string?, string> Calls()
    {
        var data = new TheoryData<string, string?, string>();
        Json(data);
        RunnerConfigs(data);
        Actors(data);
        Runners(data);
        Events(data);
        PoolErrors(data);
        Queries(data);
        return data;
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task Call_BadInput_NamesTheFieldAndChangesNothing(string call, string? body, string field)
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var runner = await server.RegisterRunnerAsync();
        var actor = await server.CreateActorAsync("k");
        var before = await server.DumpAsync();
        var parts = call.Replace("RUNNER", runner, StringComparison.Ordinal).Replace("ACTOR", actor.ToString(), StringComparison.Ordinal).Split(' ');

        var reply = await server.SendAsync(parts[0], parts[1], body?.Replace("ACTOR", actor.ToString(), StringComparison.Ordinal));

        Assert.True((400, "api.bad_request") == (reply.Status, reply.Error), $"{reply.Status} {reply.Text}");
        Assert.Equal(field.Length == 0 ? null : field, reply.Field);
        Assert.False(string.IsNullOrEmpty(reply.Detail));
        Assert.Equal(before, await server.DumpAsync());
    }

    private static void Json(TheoryData<string, string?, string> data)
    {
        foreach (var json in new[]
                 {
                     "", "   ", "nope", "{", "{\"name\":\"a\"", "{\"name\":\"a\",}", "{\"a\":1}{}", "// no\n{}", "{'a':1}", "{\"a\":01}", "NaN",
                     new string('[', 100), "[]", "null", "1", "\"text\"",
                 })
        {
            data.Add(PostActor, json, "");
        }

        data.Add(PostActor, """{"name":"a","name":"b","runner_name_selector":"p"}""", "name");
        data.Add(PostActor, """{"name":"a","na\u006de":"b","runner_name_selector":"p"}""", "name");
        data.Add(PostActor, """{"name":"a\u0000","runner_name_selector":"p"}""", "name");
        data.Add(PostActor, """{"name":"a","key":"\ud800","runner_name_selector":"p"}""", "key");
        data.Add(PostActor, """{"na\u0000me":"a"}""", "");
        data.Add(PostEvents, """{"events":[{},{"x":[0,[{"a":1,"a":2}]]}]}""", "events[1].x[1][0].a");
    }

    private static void RunnerConfigs(TheoryData<string, string?, string> data)
    {
        const string Normal = "datacenters.default.normal";
        const string Serverless = "datacenters.default.serverless";
        data.Add("PUT /runner-configs/UPPER?namespace=n", """{"datacenters":{"default":{"normal":{}}}}""", "pool");
        data.Add("PUT /runner-configs/-p?namespace=n", """{"datacenters":{"default":{"normal":{}}}}""", "pool");
        data.Add("PUT /runner-configs/a%2Fb?namespace=n", """{"datacenters":{"default":{"normal":{}}}}""", "pool");
        data.Add("PUT /runner-configs/%ff?namespace=n", """{"datacenters":{"default":{"normal":{}}}}""", "pool");
        data.Add($"PUT /runner-configs/{new string('p', 64)}?namespace=n", """{"datacenters":{"default":{"normal":{}}}}""", "pool");
        data.Add(PutConfig, "{}", "datacenters");
        data.Add(PutConfig, """{"datacenters":[]}""", "datacenters");
        data.Add(PutConfig, """{"datacenters":{}}""", "datacenters.default");
        data.Add(PutConfig, """{"datacenters":{"default":{}}}""", "datacenters.default");
        data.Add(PutConfig, """{"datacenters":{"default":[]}}""", "datacenters.default");
        data.Add(PutConfig, """{"datacenters":{"default":{"normal":{}}},"extra":1}""", "extra");
        data.Add(PutConfig, """{"datacenters":{"default":{"normal":{},"extra":1}}}""", "datacenters.default.extra");
        data.Add(PutConfig, """{"datacenters":{"default":{"normal":{},"runner_pool_error":"downgrade"}}}""", "datacenters.default.runner_pool_error");
        data.Add(PutConfig, """{"datacenters":{"default":{"normal":"yes"}}}""", Normal);
        data.Add(
            PutConfig,
            """{"datacenters":{"default":{"normal":{},"serverless":{"url":"http://10.0.0.1","request_lifespan":9}}}}""",
            "datacenters.default");
        foreach (var (field, values) in new[]
                 {
                     ("drain_on_version_upgrade", new[] { "1", "\"true\"" }),
                     ("drain_grace_period", ["-1", "1.5", "\"30\"", "2592001", "1e99", "true"]),
                     ("actor_eviction_delay", ["-1"]),
                     ("actor_eviction_rate", ["0", "-5", "99999999999999999999"]),
                     ("url", ["\"http://10.0.0.1\""]),
                     ("unknown", ["null"]),
                 })
        {
            foreach (var value in values)
            {
                data.Add(PutConfig, Default($"\"normal\":{{\"{field}\":{value}}}"), $"{Normal}.{field}");
            }
        }

        data.Add(PutConfig, """{"datacenters":{"default":{"normal":{"drain_grace_period":1},"drain_grace_period":2}}}""", $"{Normal}.drain_grace_period");
        foreach (var (field, values) in new[]
                 {
                     ("url", new[] { "null", "\"\"", "7", "\"ftp://h/\"", "\"/rel\"", "\"http://u:p@h/\"", "\"http://169.254.169.254/\"", $"\"http://h/{new string('x', 2048)}\"" }),
                     ("request_lifespan", ["null", "0", "-1", "2592001", "\"60\""]),
                     ("slots_per_runner", ["0", "-1", "1000001"]),
                     ("min_runners", ["-1", "100001", "1001"]),
                     ("max_runners", ["0", "-1", "100001"]),
                     ("runners_margin", ["-1"]),
                     ("metadata_poll_interval", ["4", "0", "86401"]),
                     ("drain_grace_period", ["3600", "3601"]),
                     ("headers", ["[]", "\"a\""]),
                     ("extra", ["0"]),
                 })
        {
            foreach (var value in values)
            {
                data.Add(PutConfig, Pool(field, value), $"{Serverless}.{field}");
            }
        }

        data.Add(
            PutConfig,
            """{"datacenters":{"default":{"drain_grace_period":9,"serverless":{"url":"http://10.0.0.1","request_lifespan":9}}}}""",
            "datacenters.default.drain_grace_period");
        foreach (var (name, value) in new[]
                 {
                     ("a b", "\"x\""), ("", "\"x\""), ("x-rivet-token", "\"x\""), ("Host", "\"x\""), ("Transfer-Encoding", "\"x\""), ("ok", "\"***\""), ("ok", "1"),
                     ("ok", "null"), ("ok", "\"a\\r\\nb\""), ("ok", "\"ü\""), ("ok", $"\"{new string('x', 8193)}\""),
                 })
        {
            data.Add(PutConfig, Pool("headers", $$"""{"{{name}}":{{value}}}"""), $"{Serverless}.headers.{name}");
        }

        data.Add(PutConfig, Pool("headers", """{"A":"1","a":"2"}"""), $"{Serverless}.headers.a");
        data.Add(PutConfig, Pool("headers", $"{{{string.Join(',', Enumerable.Range(0, 65).Select(i => $"\"h{i}\":\"v\""))}}}"), $"{Serverless}.headers");
        foreach (var (field, values) in new[]
                 {
                     ("check_delay_ms", new[] { "-1", "3600001", "\"1s\"" }),
                     ("poll_interval_ms", ["0"]),
                     ("cache_ttl_ms", ["-1"]),
                     ("ready_timeout_ms", ["0", "86400001"]),
                     ("init_timeout_ms", ["0", "3600001"]),
                     ("extra", ["1"]),
                 })
        {
            foreach (var value in values)
            {
                data.Add(PutConfig, Default($"\"normal\":{{}},\"guard\":{{\"{field}\":{value}}}"), $"datacenters.default.guard.{field}");
            }
        }

        static string Pool(string field, string value)
        {
            var fields = new Dictionary<string, string> { ["url"] = "\"http://10.0.0.1/\"", ["request_lifespan"] = "3600", [field] = value };
            return Default($"\"serverless\":{{{string.Join(',', fields.Select(f => $"\"{f.Key}\":{f.Value}"))}}}");
        }

        static string Default(string members) => "{\"datacenters\":{\"default\":{" + members + "}}}";
    }

    private static void Actors(TheoryData<string, string?, string> data)
    {
        data.Add(PostActor, """{"runner_name_selector":"p"}""", "name");
        data.Add(PostActor, """{"name":"a"}""", "runner_name_selector");
        data.Add("PUT /actors?namespace=n", """{"name":"a","runner_name_selector":"p"}""", "key");
        data.Add(PostActor, """{"name":"a","runner_name_selector":"p","unknown":1}""", "unknown");
        foreach (var (field, values) in new[]
                 {
                     ("name", new[] { "\"\"", "\"a b\"", "\"ü\"", "1", "null", $"\"{new string('a', 65)}\"" }),
                     ("runner_name_selector", ["\"P\"", "\"\"", "\"a.b\"", "[]"]),
                     ("key", ["\"\"", "1", "\"a\\\\\"", "\"a\\\\b\"", "\"a//b\"", $"\"{new string('k', 1025)}\"", "[\"a\"]"]),
                     ("crash_policy", ["\"\"", "\"Sleep\"", "\"explode\"", "1"]),
                     ("input", ["\"a\"", "\"AQI\"", "\"AQ-_\"", "\"AQ ID\"", "1", "{}"]),
                     ("datacenter", ["1", "\"\""]),
                 })
        {
            foreach (var value in values)
            {
                var fields = new Dictionary<string, string> { ["name"] = "\"a\"", ["runner_name_selector"] = "\"p\"", [field] = value };
                data.Add(PostActor, $"{{{string.Join(',', fields.Select(f => $"\"{f.Key}\":{f.Value}"))}}}", field);
            }
        }

        data.Add("DELETE /actors/nope?namespace=n", null, "actor_id");
        data.Add($"DELETE /actors/{new string('z', 30)}?namespace=n", null, "actor_id");
        data.Add("DELETE /actors/ACTOR?namespace=n", """{"force":true}""", "force");
        data.Add("GET /actors?namespace=n", null, "actor_ids");
        data.Add("GET /actors?namespace=n&actor_ids=ACTOR&name=a", null, "name");
        data.Add("GET /actors?namespace=n&actor_ids=", null, "actor_ids");
        data.Add("GET /actors?namespace=n&actor_ids=ACTOR,", null, "actor_ids");
        data.Add("GET /actors?namespace=n&actor_ids=x", null, "actor_ids");
        data.Add($"GET /actors?namespace=n&actor_ids={string.Join(',', Enumerable.Repeat("x", 1001))}", null, "actor_ids");
        data.Add("GET /actors?namespace=n&actor_ids=ACTOR&key=k", null, "key");
        data.Add("GET /actors?namespace=n&name=a%20b", null, "name");
        data.Add("GET /actors?namespace=n&name=a&key=", null, "key");
        data.Add("GET /actors?namespace=n&name=a&include_destroyed=1", null, "include_destroyed");
    }

    private static void Runners(TheoryData<string, string?, string> data)
    {
        foreach (var (field, values) in new[]
                 {
                     ("name", new[] { "null", "\"P\"" }),
                     ("key", ["null", "\"\"", "1", $"\"{new string('k', 129)}\"", "\"a\\nb\""]),
                     ("version", ["null", "-1", "1.5", "\"1\"", "2147483648"]),
                     ("endpoint", ["null", "\"\"", "\"nope\"", "\"ws://10.0.0.1\"", "\"http://user@10.0.0.1\"", "\"http://0.0.0.0:80\"", "\"http://[::ffff:169.254.169.254]/\"", "\"http://10.0.0.1/?a\"", "3"]),
                     ("total_slots", ["null", "0", "-1", "1000001", "1e3", "\"4\""]),
                     ("protocol", ["\"h2\"", "\"HTTP1\"", "2"]),
                     ("is_static", ["true"]),
                 })
        {
            foreach (var value in values)
            {
                var fields = new Dictionary<string, string>
                {
                    ["name"] = "\"p\"",
                    ["key"] = "\"new\"",
                    ["version"] = "1",
                    ["endpoint"] = "\"http://10.0.0.1:80\"",
                    ["total_slots"] = "1",
                    [field] = value,
                };
                data.Add(PostRunner, $"{{{string.Join(',', fields.Select(f => $"\"{f.Key}\":{f.Value}"))}}}", field);
            }
        }

        data.Add(
            PostRunner, """{"name":"p","key":"new","version":1,"endpoint":"https://10.0.0.1","total_slots":1,"protocol":"h2c"}""", "protocol");
        data.Add("POST /runners/RUNNER/heartbeat", """{"load":1}""", "load");
        data.Add("POST /runners/RUNNER/heartbeat", "[]", "");
        data.Add("POST /runners/RUNNER/heartbeat?namespace=n", null, "namespace");
        data.Add("POST /runners/RUNNER/drain?x=1", null, "x");
        data.Add("DELETE /runners/RUNNER?x=1", null, "x");
        data.Add("GET /runners/RUNNER/actors?limit=1", null, "limit");
        data.Add("GET /runners?namespace=n&include_stopped=yes", null, "include_stopped");
        data.Add("GET /runners?namespace=n&name=P", null, "name");
    }

    private static void Events(TheoryData<string, string?, string> data)
    {
        data.Add(PostEvents, "{}", "events");
        data.Add(PostEvents, """{"events":{}}""", "events");
        data.Add(PostEvents, """{"events":[1]}""", "events[0]");
        data.Add(PostEvents, """{"events":[],"more":1}""", "more");
        data.Add(PostEvents, """{"events":[{"generation":1,"event":"ready"}]}""", "events[0].actor_id");
        data.Add(PostEvents, """{"events":[{"actor_id":"x","generation":1,"event":"ready"}]}""", "events[0].actor_id");
        data.Add(PostEvents, """{"events":[{"actor_id":"ACTOR","event":"ready"}]}""", "events[0].generation");
        data.Add(PostEvents, """{"events":[{"actor_id":"ACTOR","generation":-1,"event":"ready"}]}""", "events[0].generation");
        data.Add(PostEvents, """{"events":[{"actor_id":"ACTOR","generation":1}]}""", "events[0].event");
        data.Add(PostEvents, """{"events":[{"actor_id":"ACTOR","generation":1,"event":"Ready"}]}""", "events[0].event");
        data.Add(PostEvents, """{"events":[{"actor_id":"ACTOR","generation":1,"event":"crashed","message":{}}]}""", "events[0].message");
        data.Add(PostEvents, """{"events":[{"actor_id":"ACTOR","generation":1,"event":"ready","why":1}]}""", "events[0].why");
    }

    private static void PoolErrors(TheoryData<string, string?, string> data)
    {
        foreach (var body in new[]
                 {
                     "\"\"", "\"serverless_http_error\"", "{}", "[]", "1", "true", """{"downgrade":{}}""", """{"nope":{}}""",
                     """{"serverless_http_error":{"status_code":500,"body":""},"x":1}""",
                 })
        {
            data.Add(PostError, body, "");
        }

        data.Add(PostError, """{"serverless_http_error":"x"}""", "serverless_http_error");
        data.Add(PostError, """{"serverless_http_error":{"body":""}}""", "serverless_http_error.status_code");
        data.Add(PostError, """{"serverless_http_error":{"status_code":99,"body":""}}""", "serverless_http_error.status_code");
        data.Add(PostError, """{"serverless_http_error":{"status_code":1000,"body":""}}""", "serverless_http_error.status_code");
        data.Add(PostError, """{"serverless_http_error":{"status_code":500}}""", "serverless_http_error.body");
        data.Add(PostError, """{"serverless_http_error":{"status_code":500,"body":{}}}""", "serverless_http_error.body");
        data.Add(PostError, """{"serverless_http_error":{"status_code":500,"body":"","x":1}}""", "serverless_http_error.x");
        data.Add(PostError, """{"serverless_connection_error":{}}""", "serverless_connection_error.message");
        data.Add(PostError, """{"serverless_invalid_sse_payload":{"message":"m","raw_payload":1}}""", "serverless_invalid_sse_payload.raw_payload");
        data.Add("POST /pool-health/p/successes?namespace=n", """{"count":2}""", "count");
        data.Add("POST /pool-health/p/successes?namespace=n", "\"text\"", "");
        data.Add("GET /pool-health/P?namespace=n", null, "pool");
    }

    private static void Queries(TheoryData<string, string?, string> data)
    {
        foreach (var list in new[] { "/runner-configs", "/runners", "/actors" })
        {
            var first = list == "/actors" ? "?name=a&" : "?";
            data.Add($"GET {list}{first}limit=5", null, "namespace");
            data.Add($"GET {list}{first}namespace=", null, "namespace");
            data.Add($"GET {list}{first}namespace=N", null, "namespace");
            data.Add($"GET {list}{first}namespace=n&namespace=n", null, "namespace");
            data.Add($"GET {list}{first}namespace=n&nope=1", null, "nope");
            data.Add($"GET {list}{first}namespace=n&Limit=1", null, "Limit");
            data.Add($"GET {list}{first}namespace=%ff", null, "namespace");
            data.Add($"GET {list}{first}namespace=n%00", null, "namespace");
            foreach (var limit in new[] { "0", "-1", "1001", "1.5", "x", "", "+1", "%201", "99999999999999999999" })
            {
                data.Add($"GET {list}{first}namespace=n&limit={limit}", null, "limit");
            }

            foreach (var cursor in new[] { "", "x", "%F0%9F%92%A9", new string('a', 513) })
            {
                data.Add($"GET {list}{first}namespace=n&cursor={cursor}", null, "cursor");
            }
        }

        data.Add("PUT /runner-configs/p", """{"datacenters":{"default":{"normal":{}}}}""", "namespace");
        data.Add("POST /actors", """{"name":"a","runner_name_selector":"p"}""", "namespace");
        data.Add("POST /runners", ControlServer.RunnerJson(), "namespace");
        data.Add("DELETE /runner-configs/p", null, "namespace");
        data.Add("DELETE /actors/ACTOR", null, "namespace");
        data.Add("GET /pool-health/p", null, "namespace");
    }
}
