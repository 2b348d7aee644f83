using System.Text;

namespace Guard.Scenarios.Edge.Http2;

/// <summary>Requests over HTTP/2, by TLS with ALPN and by h2c, in frames of the tests' own: what HTTP/1.1 refuses is refused here.</summary>
public sealed class Http2RequestTests
{
    private const string Path = "/gateway/{actor}/x";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Name; the fields, of which <c>:method GET</c>, <c>:scheme http</c>, <c>:authority a</c> and <c>:path</c> are taken as given
    /// unless they are named; the body, or null.</summary>
    private static readonly Dictionary<string, ((string Name, string Value)[] Fields, string? Body)> Refused = new()
    {
        ["method-missing"] = (Without(":method"), null),
        ["path-missing"] = (Without(":path"), null),
        ["scheme-missing"] = (Without(":scheme"), null),
        ["method-twice"] = ([.. With(), (":method", "POST")], null),
        ["path-twice"] = ([.. With(), (":path", "/gateway/{actor}/y")], null),
        ["path-empty"] = (With((":path", "")), null),
        ["path-relative"] = (With((":path", "gateway/{actor}/x")), null),
        ["path-asterisk"] = (With((":path", "*")), null),
        ["path-absolute"] = (With((":path", "http://a/gateway/{actor}/x")), null),
        ["path-space"] = (With((":path", Path + " HTTP/1.1")), null),
        ["path-crlf"] = (With((":path", Path + " HTTP/1.1\r\nHost: b\r\n\r\nGET /smuggled")), null),
        ["path-lf"] = (With((":path", Path + "\n")), null),
        ["path-nul"] = (With((":path", Path + "\0")), null),
        ["path-hash"] = (With((":path", Path + "#f")), null),
        ["path-non-ascii"] = (With((":path", Path + "\u00e9")), null),
        ["method-space"] = (With((":method", "GET /smuggled HTTP/1.1")), null),
        ["method-crlf"] = (With((":method", "GET / HTTP/1.1\r\nHost: b\r\n\r\nPOST")), null),
        ["method-empty"] = (With((":method", "")), null),
        ["scheme-odd"] = (With((":scheme", "ftp")), null),
        ["authority-userinfo"] = (With((":authority", "u@a")), null),
        ["authority-crlf"] = (With((":authority", "a\r\nx: y")), null),
        ["authority-slash"] = (With((":authority", "a/b")), null),
        ["authority-empty"] = (With((":authority", "")), null),
        ["pseudo-unknown"] = ([.. With(), (":foo", "bar")], null),
        ["pseudo-status"] = ([.. With(), (":status", "200")], null),
        ["pseudo-after-field"] = ([("x-a", "1"), .. With()], null),
        ["name-upper-case"] = ([.. With(), ("X-Upper", "1")], null),
        ["name-empty"] = ([.. With(), ("", "1")], null),
        ["name-space"] = ([.. With(), ("x y", "1")], null),
        ["name-colon"] = ([.. With(), ("x:y", "1")], null),
        ["name-crlf"] = ([.. With(), ("x\r\ny", "1")], null),
        ["name-nul"] = ([.. With(), ("x\0y", "1")], null),
        ["name-parenthesis"] = ([.. With(), ("x(y", "1")], null),
        ["value-cr"] = ([.. With(), ("x", "a\rb")], null),
        ["value-lf"] = ([.. With(), ("x", "a\nb")], null),
        ["value-crlf"] = ([.. With(), ("x", "a\r\nx-rivet-actor: evil")], null),
        ["value-nul"] = ([.. With(), ("x", "a\0b")], null),
        ["connection"] = ([.. With(), ("connection", "close")], null),
        ["keep-alive"] = ([.. With(), ("keep-alive", "1")], null),
        ["proxy-connection"] = ([.. With(), ("proxy-connection", "close")], null),
        ["transfer-encoding"] = ([.. With((":method", "POST")), ("transfer-encoding", "chunked")], "0\r\n\r\n"),
        ["upgrade"] = ([.. With(), ("upgrade", "websocket")], null),
        ["te-other-than-trailers"] = ([.. With(), ("te", "gzip")], null),
        ["length-differs"] = ([.. With((":method", "POST")), ("content-length", "3")], "hello"),
        ["length-without-body"] = ([.. With((":method", "POST")), ("content-length", "5")], null),
        ["length-plus"] = ([.. With((":method", "POST")), ("content-length", "+5")], "hello"),
        ["length-twice"] = ([.. With((":method", "POST")), ("content-length", "5"), ("content-length", "5")], "hello"),
        ["authority-missing"] = (Without(":authority"), null),
        ["host-twice"] = ([.. Without(":authority"), ("host", "a"), ("host", "b")], null),
        ["connect-plain"] = ([(":method", "CONNECT"), (":authority", "a:80")], null),
        ["connect-other-protocol"] = ([.. With((":method", "CONNECT")), (":protocol", "connect-udp")], null),
        ["protocol-without-connect"] = ([.. With(), (":protocol", "websocket")], null),
    };

    public static TheoryData<string, bool> Cases()
    {
        var cases = new TheoryData<string, bool>();
        foreach (var name in Refused.Keys)
        {
            cases.Add(name, false);
            cases.Add(name, true);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Send_Malformed_RefusedAndNothingReachesTheRunner(string name, bool tls)
    {
        var edge = await Http2Edge.SharedAsync(Token);
        var client = ClientAddress.Next();
        var (fields, body) = Refused[name];
        await using var connection = await edge.ConnectAsync(tls, Token, client);

        await connection.WriteAsync(
            H2Connection.Headers(1, body is null, [.. fields.Select(f => (f.Name, Scheme(f, tls) ?? edge.Guard.Fill(f.Value)))]), Token);
        if (body is not null)
        {
            await connection.TryWriteAsync(H2Connection.Frame(H2Frame.Data, H2Frame.EndStream, 1, Encoding.Latin1.GetBytes(body)), Token);
        }

        var answer = await connection.AnswerAsync(1, Token);

        Assert.True(answer is null or < 0 or (>= 400 and < 500), $"answered {answer}");
        Assert.DoesNotContain(edge.Guard.SeenFrom(client), r => r.IsComplete);
        Assert.Empty(edge.Guard.Runner.Garbage);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Send_WellFormed_RunnerSeesIt(bool tls)
    {
        var edge = await Http2Edge.SharedAsync(Token);
        var client = ClientAddress.Next();
        await using var connection = await edge.ConnectAsync(tls, Token, client);

        await connection.WriteAsync(
            H2Connection.Headers(1, false, [.. With((":method", "POST")).Select(f => (f.Name, Scheme(f, tls) ?? edge.Guard.Fill(f.Value))), ("content-length", "5"), ("x-a", "1"), ("te", "trailers")]), Token);
        await connection.WriteAsync(H2Connection.Frame(H2Frame.Data, 0, 1, "hello"u8), Token);
        await connection.WriteAsync(H2Connection.Headers(1, true, ("x-trailer", "1"), ("x-rivet-actor", "evil")), Token);

        Assert.Equal(200, await connection.AnswerAsync(1, Token));
        var seen = Assert.Single(edge.Guard.SeenFrom(client));
        Assert.Equal(("POST", "/x", "hello"), (seen.Method, seen.Target, seen.BodyText));
        Assert.Equal(["1"], seen.Values("x-a"));
        Assert.Equal(["a"], seen.Values("host"));
        Assert.Equal([edge.Guard.ActorId], seen.Values("x-rivet-actor"));
        Assert.Empty(seen.Values("x-trailer"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Send_ExtendedConnect_WebSocketReachesTheRunnerAsHttp11(bool tls)
    {
        await using var edge = await Http2Edge.StartAsync(Token);
        edge.Guard.Runner.OnRequest = async (request, number, stream, token) =>
        {
            await RecordingRunner.SwitchAsync(request, stream, token);
            var frame = new byte[9];
            await stream.ReadExactlyAsync(frame, token);
            await stream.WriteAsync("\u0001\u0000"u8.ToArray(), token);
            return false;
        };
        await using var connection = await edge.ConnectAsync(tls, Token);
        await connection.WriteAsync(
            H2Connection.Headers(1, false, (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", tls ? "https" : "http"), (":authority", "a"), (":path", edge.Guard.Fill("/gateway/{actor}/socket")), ("sec-websocket-version", "13")), Token);

        Assert.Equal(200, await connection.AnswerAsync(1, Token));
        await connection.WriteAsync(H2Connection.Frame(H2Frame.Data, 0, 1, [0x81, 0x83, 1, 2, 3, 4, 5, 6, 7]), Token);
        Assert.NotNull(await connection.ReadUntilAsync(f => f is { Type: H2Frame.Data, Stream: 1, Payload.Length: > 0 }, Token));

        var seen = edge.Guard.Runner.Requests.Last();
        Assert.Equal(("GET", "/socket"), (seen.Method, seen.Target));
        Assert.Equal(["websocket"], seen.Values("upgrade"));
    }

    private static (string Name, string Value)[] With(params (string Name, string Value)[] changed)
    {
        (string Name, string Value)[] all = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", Path)];
        return [.. all.Select(f => changed.FirstOrDefault(c => c.Name == f.Name) is { Name: not null } c ? c : f)];
    }

    /// <summary>Another scheme than the connection's would be what is refused.</summary>
    private static string? Scheme((string Name, string Value) field, bool tls)
        => field is { Name: ":scheme", Value: "http" } ? (tls ? "https" : "http") : null;

    private static (string Name, string Value)[] Without(string name) => [.. With().Where(f => f.Name != name)];
}
