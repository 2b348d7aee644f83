using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using CsCheck;
using Guard.Control.Input;
using Guard.Control.Shapes;
using Guard.Core.Errors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;

namespace Guard.Tests.Control.Input;

/// <summary>Every shape that comes from outside, wrong in every place and way: each is refused, with the path and what is allowed there.
/// A full example of each shape is taken apart member by member, so a new member is covered by its example.</summary>
public sealed class ShapeReaderTests
{
    private static readonly string Id = ActorId.New(1).ToString();

    private const string Actor = """
        "name":"a","key":"k","runner_name_selector":"p","crash_policy":"sleep","input":"AQI=","datacenter":"default"
        """;

    private const string Config = """
        "datacenters":{"default":{
          "normal":{"drain_on_version_upgrade":true,"drain_grace_period":1,"actor_eviction_delay":1,"actor_eviction_rate":1},
          "serverless":{"url":"http://10.0.0.1","headers":{"x-a":"b"},"request_lifespan":60,"slots_per_runner":1,"min_runners":0,"max_runners":9,
            "runners_margin":0,"metadata_poll_interval":10,"drain_on_version_upgrade":true,"drain_grace_period":1,"actor_eviction_delay":1,
            "actor_eviction_rate":1},
          "guard":{"check_delay_ms":1,"poll_interval_ms":1,"cache_ttl_ms":1,"ready_timeout_ms":1,"init_timeout_ms":1},
          "drain_on_version_upgrade":true,"drain_grace_period":1,"actor_eviction_delay":1,"actor_eviction_rate":1}}
        """;

    private const string Runner = """
        "name":"p","key":"r","version":1,"endpoint":"http://10.0.0.1","total_slots":1,"protocol":"h2c"
        """;

    /// <summary>Every shape with an example that has every member. What is read by a converter is <see cref="PoolErrors"/>.</summary>
    private static readonly Example[] Examples =
    [
        Example.For(InputJson.Default.EmptyShape, "{}"),
        Example.For(InputJson.Default.RunnerConfigPutShape, $"{{{Config}}}"),
        Example.For(InputJson.Default.ServerlessCheckShape, """{"url":"http://10.0.0.1","headers":{"x-a":"b"}}"""),
        Example.For(InputJson.Default.ActorCreateShape, $"{{{Actor}}}"),
        Example.For(InputJson.Default.RunnerRegisterShape, $"{{{Runner}}}"),
        Example.For(InputJson.Default.RunnerEventsShape, $$"""{"events":[{"actor_id":"{{Id}}","generation":1,"event":"ready","message":"m"}]}"""),
        Example.For(InputJson.Default.ImportLineShape, $$"""{"actor_id":"{{Id}}","generation":1,"create_ts":1,{{Actor}} }"""),
        Example.For(InputJson.Default.NamedImportLineShape, $$"""{"namespace":"n","actor_id":"{{Id}}","generation":1,"create_ts":1,{{Actor}} }"""),
        Example.For(
            InputJson.Default.SeedShape,
            $$"""{"runner_configs":{},"runners":[{"namespace":"n",{{Runner}} }],"actors":[{"namespace":"n","actor_id":"{{Id}}",{{Actor}} }]}"""),
        Example.For(InputJson.Default.DictionaryStringSeedPoolShape, $$"""{"p":{"namespace":"n",{{Config}} } }"""),
        Example.For(InputJson.Default.ListListedSeedPoolShape, $$"""[{"namespace":"n","runner_name":"p",{{Config}} }]"""),
    ];

    private static readonly string[] PoolErrors =
    [
        """{"serverless_http_error":{"status_code":500,"body":"b"}}""",
        """{"serverless_connection_error":{"message":"m"}}""",
        """{"serverless_invalid_sse_payload":{"message":"m","raw_payload":"r"}}""",
    ];

    public static TheoryData<string> Shapes() => [.. Examples.Select(e => e.Name)];

    [Fact]
    public void Examples_OfEveryShape_AreHere()
    {
        var declared = typeof(InputJson).GetCustomAttributesData()
            .Where(a => a.AttributeType == typeof(JsonSerializableAttribute)).Select(a => (Type)a.ConstructorArguments[0].Value!);

        Assert.Equal(declared.Select(t => t.ToString()).Order(), Examples.Select(e => e.Type.Type.ToString()).Append(typeof(PoolError).ToString()).Order());
    }

    [Fact]
    public void Serializer_OfWhatComesFromOutside_IsStrictToo()
    {
        var options = InputJson.Default.Options;

        Assert.Equal(
            (JsonUnmappedMemberHandling.Disallow, JsonCommentHandling.Disallow, JsonNumberHandling.Strict),
            (options.UnmappedMemberHandling, options.ReadCommentHandling, options.NumberHandling));
        Assert.False(options.AllowDuplicateProperties || options.AllowTrailingCommas || options.PropertyNameCaseInsensitive);
        Assert.True(options.RespectNullableAnnotations && options.RespectRequiredConstructorParameters);
        Assert.Equal(JsonText.MaxDepth, options.MaxDepth);
    }

    [Fact]
    public async Task Bodies_OfEveryCall_AreShapesOfTheReader()
    {
        await using var server = await ControlServer.StartAsync();

        var bodies = server.Get<EndpointDataSource>().Endpoints.Select(e => e.Metadata.GetMetadata<IAcceptsMetadata>()?.RequestType).OfType<Type>().ToHashSet();

        Assert.NotEmpty(bodies);
        Assert.All(bodies, type => Assert.NotNull(InputJson.Default.GetTypeInfo(type)));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Read_Example_HasEveryMemberAndIsTaken(string shape)
    {
        var example = Example.Of(shape);

        Assert.Null(example.Read(example.Json));
        Assert.All(Objects(example), o => Assert.Equal(o.Type.Properties.Select(p => p.Name).Order(), o.Node.Select(m => m.Key).Order()));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Read_UnknownMember_IsNamedWithThoseAllowed(string shape)
    {
        var example = Example.Of(shape);
        foreach (var (path, node, type) in Objects(example))
        {
            foreach (var value in new[] { "null", "1", """{"a":[{}]}""" })
            {
                node["nope"] = JsonNode.Parse(value);
                var fault = example.Read(example.Root.ToJsonString());
                node.Remove("nope");

                Assert.Equal(Join(path, "nope"), fault?.Metadata?.Name);
                Assert.StartsWith("unknown field; ", fault!.Metadata!.Detail, StringComparison.Ordinal);
                Assert.All(type.Properties, p => Assert.Contains(p.Name, fault.Metadata.Detail, StringComparison.Ordinal));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Read_NameInAnotherCase_IsUnknown(string shape) => EachMember(shape, (example, path, node, property) =>
    {
        var value = node[property.Name];
        node.Remove(property.Name);
        var upper = property.Name.ToUpperInvariant();
        node[upper] = value?.DeepClone();
        Refused(example, Join(path[..^property.Name.Length].TrimEnd('.'), upper), "unknown field; ");
        node.Remove(upper);
        node[property.Name] = value;
    });

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Read_MemberTwice_IsNamed(string shape) => EachMember(shape, (example, path, node, property) =>
    {
        var value = node[property.Name]!;
        var text = value.ToJsonString();
        node[property.Name] = "TWICE";
        var json = example.Root.ToJsonString().Replace("\"TWICE\"", $"{text},\"{property.Name}\":{text}", StringComparison.Ordinal);
        node[property.Name] = value;

        Refused(example, json, path, "given twice; allowed once");
    });

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Read_MemberAbsentOrNull_OnlyRequiredOnesAreMissed(string shape) => EachMember(shape, (example, path, node, property) =>
    {
        var value = node[property.Name];
        node.Remove(property.Name);
        var absent = example.Root.ToJsonString();
        node[property.Name] = null;
        var isNull = example.Root.ToJsonString();
        node[property.Name] = value;
        foreach (var json in new[] { absent, isNull })
        {
            if (property.IsRequired)
            {
                Refused(example, json, path, "missing; ");
            }
            else
            {
                Assert.Null(example.Read(json));
            }
        }
    });

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Read_AnotherType_IsNamedWithWhatIsAllowed(string shape) => EachMember(shape, (example, path, node, property) =>
    {
        var value = node[property.Name];
        foreach (var other in new[] { "\"\\u0007 no\"", "true", "-1.5", "1e400", "[]", "{}", "[[]]", """{"a":{}}""" })
        {
            if (IsOfType(property, other))
            {
                continue;
            }

            node[property.Name] = "OTHER";
            var json = example.Root.ToJsonString().Replace("\"OTHER\"", other, StringComparison.Ordinal);
            Refused(example, json, path, RuleAttribute.Of(property)?.Allowed ?? "must ");
        }

        node[property.Name] = value;
    });

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Read_NumberOutsideItsRange_IsNamedWithTheRange(string shape) => EachMember(shape, (example, path, node, property) =>
    {
        if (RuleAttribute.Of(property) is not WholeAttribute range)
        {
            Assert.NotEqual(TypeCode.Int32, Type.GetTypeCode(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType));
            Assert.NotEqual(TypeCode.Int64, Type.GetTypeCode(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType));
            return;
        }

        var value = node[property.Name];
        foreach (var number in new[] { $"{(Int128)range.Min - 1}", $"{(Int128)range.Max + 1}", "9223372036854775808", "-9223372036854775809", $"1{new string('0', 300)}", "1.0", "\"1\"" })
        {
            node[property.Name] = "NUMBER";
            var json = example.Root.ToJsonString().Replace("\"NUMBER\"", number, StringComparison.Ordinal);
            Refused(example, json, path, string.Create(CultureInfo.InvariantCulture, $"must be a whole number from {range.Min} to {range.Max}"));
        }

        foreach (var number in new[] { range.Min, range.Max })
        {
            node[property.Name] = number;
            Assert.Null(example.Read(example.Root.ToJsonString()));
        }

        node[property.Name] = value;
    });

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Read_NulOrHalfAPair_IsNamed(string shape) => EachMember(shape, (example, path, node, property) =>
    {
        var value = node[property.Name];
        node[property.Name] = "TEXT";
        foreach (var text in new[] { "\\u0000", "a\\ud800", "\\udc00b" })
        {
            Refused(example, example.Root.ToJsonString().Replace("\"TEXT\"", $"\"{text}\"", StringComparison.Ordinal), path, "not valid text");
        }

        node[property.Name] = value;
    });

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Read_NotJson_IsRefusedAsAWhole(string shape)
    {
        var example = Example.Of(shape);
        var json = example.Json;
        var last = json[^1];
        foreach (var broken in new[]
                 {
                     "", " ", json[..^1], $"{json}1", $"{json}{json}", $"/**/{json}", $"{json}//", $"{json[..^1]},{last}", $"\ufeff{json}",
                     new string('[', 17) + new string(']', 17), new string('[', 100_000), json.Replace('"', '\''),
                 }.Where(b => b != json))
        {
            Refused(example, broken, null, "not valid JSON");
        }

        foreach (var other in new[] { "null", "1", "\"a\"", "true", json[0] == '[' ? "{}" : "[]" })
        {
            Refused(example, other, null, "must be ");
        }

        byte[] notUtf8 = [.. "{\"a\":\""u8, 0xC3, 0x28, .. "\"}"u8];
        Assert.Equal("not valid UTF-8", example.ReadBytes(notUtf8)?.Metadata?.Detail);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Read_DeepOrLongValue_IsNamed(string shape)
    {
        var example = Example.Of(shape);
        foreach (var (path, node, _) in Objects(example))
        {
            // As deep as JSON may be here, and as long as a body may be.
            node["nope"] = JsonNode.Parse($"{new string('[', 9)}{new string(']', 9)}");
            Refused(example, Join(path, "nope"), "unknown field; ");
            node["nope"] = new string('x', 1 << 20);
            Refused(example, Join(path, "nope"), "unknown field; ");
            node.Remove("nope");
        }
    }

    [Fact]
    public void Read_NullAsAnItem_IsNamed()
    {
        AssertFault(InputJson.Default.RunnerEventsShape, """{"events":[null]}""", "events[0]", "must be an object");
        AssertFault(InputJson.Default.RunnerConfigPutShape, """{"datacenters":{"default":null}}""", "datacenters.default", "must be an object");
        AssertFault(InputJson.Default.SeedShape, """{"runners":[null]}""", "runners[0]", "must be an object");
        AssertFault(InputJson.Default.DictionaryStringSeedPoolShape, """{"p":null}""", "p", "must be an object");
        AssertFault(InputJson.Default.ListListedSeedPoolShape, "[null]", "[0]", "must be an object");
        AssertFault(InputJson.Default.ServerlessCheckShape, """{"url":"u","headers":{"a":null}}""", "headers.a", "must be a text of at most 8192 ");
        AssertFault(InputJson.Default.ServerlessCheckShape, """{"url":"u","headers":{"a":1}}""", "headers.a", "must be a text of at most 8192 ");
    }

    [Fact]
    public void Read_ArrayTooLong_IsNamed()
    {
        var item = $$"""{"actor_id":"{{Id}}","generation":1,"event":"ready"}""";
        var most = string.Join(',', Enumerable.Repeat(item, 1000));

        Assert.Null(Read(InputJson.Default.RunnerEventsShape, Encoding.UTF8.GetBytes($$"""{"events":[{{most}}]}""")));
        AssertFault(InputJson.Default.RunnerEventsShape, $$"""{"events":[{{most}},{{item}}]}""", "events", "must be an array of at most 1000 objects");
    }

    [Fact]
    public void Read_PoolErrorWithAMemberWrong_NamesIt()
    {
        foreach (var json in PoolErrors)
        {
            Assert.Null(Read(InputJson.Default.PoolError, Encoding.UTF8.GetBytes(json)));
            var root = JsonNode.Parse(json)!.AsObject();
            var (kind, members) = (root.Single().Key, root.Single().Value!.AsObject());
            members["nope"] = 1;
            AssertFault(InputJson.Default.PoolError, root.ToJsonString(), $"{kind}.nope", "is not a known field");
            members.Remove("nope");
            foreach (var (name, value) in members.ToArray())
            {
                var twice = json.Replace($"\"{name}\":", $"\"{name}\":{value!.ToJsonString()},\"{name}\":", StringComparison.Ordinal);
                AssertFault(InputJson.Default.PoolError, twice, $"{kind}.{name}", "given twice; allowed once");
                foreach (var other in new JsonNode?[] { true, new JsonArray(), new JsonObject(), 1e300 })
                {
                    members[name] = other;
                    AssertFault(InputJson.Default.PoolError, root.ToJsonString(), $"{kind}.{name}", "must be a ");
                }

                members.Remove(name);
                if (name != "raw_payload")
                {
                    AssertFault(InputJson.Default.PoolError, root.ToJsonString(), $"{kind}.{name}", "is missing");
                }

                members[name] = value.DeepClone();
            }
        }

        foreach (var json in new[] { "1", "null", "[]", "{}", "\"secret\"", """{"secret":{}}""", """{"secret":1}""", """{"downgrade":1}""" })
        {
            var fault = AssertFault(InputJson.Default.PoolError, json, null, "must be a text, serverless_stream_ended_early, downgrade or ");
            Assert.DoesNotContain("secret", fault.Metadata!.Detail, StringComparison.Ordinal);
        }
    }

    /// <summary>What the reader lets pass the serializer must take, and what it refuses is named in our words, whatever is changed in an example.</summary>
    [Theory]
    [MemberData(nameof(Shapes))]
    public void Read_AnyMixOfParts_TakenOrRefusedInOurWords(string shape)
    {
        string[] parts = ["null", "true", "1", "-1", "1e9", "1.5", "99999999999999999999", "\"\"", "\"a\"", "[]", "{}", "[null]", "[{}]", """{"a":null}""", """{"default":{}}""", """{"a":1}"""];
        Gen.Select(Gen.Int[0, int.MaxValue], Gen.Int[-1, parts.Length - 1]).Array[1, 4].Sample(
            changes =>
            {
                var example = Example.Of(shape);
                var places = Objects(example).SelectMany(o => o.Type.Properties.Select(p => p.Name).Append("nope").Select(name => (o.Node, Name: name))).ToArray();
                foreach (var (place, part) in changes)
                {
                    var (node, name) = places[place % places.Length];
                    node.Remove(name);
                    if (part >= 0)
                    {
                        node[name] = JsonNode.Parse(parts[part]);
                    }
                }

                // Without a name only the serializer has refused it: the example itself is of the right kind.
                return example.Read(example.Json) is not { } fault || (IsOurs(fault) && fault.Metadata!.Name is not null);
            },
            iter: 500);
    }

    private static bool IsOfType(JsonPropertyInfo property, string json) => property.Options.GetTypeInfo(property.PropertyType).Kind switch
    {
        JsonTypeInfoKind.Enumerable => json[0] == '[',
        JsonTypeInfoKind.Object or JsonTypeInfoKind.Dictionary => json[0] == '{',
        _ => property.PropertyType == typeof(string) ? json[0] == '"'
            : property.PropertyType == typeof(bool?) ? json == "true"

            // The pools of a seed file are read in a second step.
            : property.PropertyType == typeof(JsonElement?),
    };

    private static void EachMember(string shape, Action<Example, string, JsonObject, JsonPropertyInfo> test)
    {
        var example = Example.Of(shape);
        foreach (var (path, node, type) in Objects(example))
        {
            foreach (var property in type.Properties)
            {
                test(example, Join(path, property.Name), node, property);
            }
        }

        Assert.Null(example.Read(example.Root.ToJsonString()));
    }

    /// <summary>The objects of the example that are shapes, with their paths.</summary>
    private static List<(string Path, JsonObject Node, JsonTypeInfo Type)> Objects(Example example)
    {
        var found = new List<(string, JsonObject, JsonTypeInfo)>();
        Add("", example.Root, example.Type);
        return found;

        void Add(string path, JsonNode node, JsonTypeInfo type)
        {
            switch (type.Kind)
            {
                case JsonTypeInfoKind.Object:
                    found.Add((path, node.AsObject(), type));
                    foreach (var property in type.Properties)
                    {
                        Add(Join(path, property.Name), node[property.Name]!, type.Options.GetTypeInfo(property.PropertyType));
                    }

                    break;
                case JsonTypeInfoKind.Dictionary:
                    foreach (var (name, value) in node.AsObject())
                    {
                        Add(Join(path, name), value!, type.Options.GetTypeInfo(type.ElementType!));
                    }

                    break;
                case JsonTypeInfoKind.Enumerable:
                    Add($"{path}[0]", node[0]!, type.Options.GetTypeInfo(type.ElementType!));
                    break;
            }
        }
    }

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    private static void Refused(Example example, string path, string says) => Refused(example, example.Root.ToJsonString(), path, says);

    private static void Refused(Example example, string json, string? path, string says)
    {
        var fault = example.Read(json);

        Assert.True(fault is not null, $"taken: {json[..Math.Min(500, json.Length)]}");
        Assert.Equal((path, "bad_request"), (fault.Metadata!.Name, fault.Code));
        Assert.StartsWith(says, fault.Metadata.Detail, StringComparison.Ordinal);
        Assert.True(IsOurs(fault), fault.Metadata.Detail);
    }

    private static GuardError AssertFault<T>(JsonTypeInfo<T> type, string json, string? path, string says)
        where T : class
    {
        var fault = Read(type, Encoding.UTF8.GetBytes(json));

        Assert.True(fault is not null, $"taken: {json}");
        Assert.Equal(path, fault.Metadata!.Name);
        Assert.StartsWith(says, fault.Metadata.Detail, StringComparison.Ordinal);
        Assert.True(IsOurs(fault), fault.Metadata.Detail);
        return fault;
    }

    /// <summary>Nothing of the serializer or of Guard's inside.</summary>
    private static bool IsOurs(GuardError fault)
        => fault.Metadata?.Detail is { Length: > 0 } detail
            && !new[] { "System", "Guard.", "Shape", "JSON deserialization", "could not be", "Path:", "LineNumber", "$." }.Any(w => detail.Contains(w, StringComparison.Ordinal));

    private static GuardError? Read<T>(JsonTypeInfo<T> type, byte[] json)
        where T : class
    {
        var errors = new InputErrors();
        var value = ShapeReader.Read(json, type, errors);
        Assert.Equal(value is null, errors.First is not null);
        return errors.First;
    }

    private sealed record Example(JsonTypeInfo Type, JsonNode Root, Func<byte[], GuardError?> ReadBytes)
    {
        public string Name => $"{Type.Type}";

        public string Json => Root.ToJsonString();

        public static Example For<T>(JsonTypeInfo<T> type, string json)
            where T : class
            => new(type, JsonNode.Parse(json)!, bytes => ShapeReaderTests.Read(type, bytes));

        /// <summary>A copy of its own to change.</summary>
        public static Example Of(string name) => Copy(Examples.Single(e => e.Name == name));

        private static Example Copy(Example example) => example with { Root = example.Root.DeepClone() };

        public GuardError? Read(string text) => ReadBytes(Encoding.UTF8.GetBytes(text));
    }
}
