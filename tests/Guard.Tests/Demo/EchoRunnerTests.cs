using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Guard.Demo;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Tests.Demo;

public sealed class EchoRunnerTests : IAsyncLifetime
{
    private const string ActorId = "0000000000000000000000000000a1";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private readonly SignallingTime _time = new();
    private EchoRunner _runner = null!;
    private HttpClient _http = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _runner = await EchoRunner.StartAsync(_time, Cancel);
        _http = new HttpClient { BaseAddress = new Uri(_runner.Endpoint), Timeout = Limit };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _runner.DisposeAsync();
    }

    [Fact]
    public async Task Request_NotStarted_421()
    {
        Assert.Equal(HttpStatusCode.MisdirectedRequest, (await GetAsync("/hello", 1)).StatusCode);
    }

    [Fact]
    public async Task Start_OfAServerlessRunner_SaysItsInitAndStays()
    {
        using var reply = await _http.GetAsync("/start", HttpCompletionOption.ResponseHeadersRead, Cancel);
        using var stream = new StreamReader(await reply.Content.ReadAsStreamAsync(Cancel));

        Assert.Equal("text/event-stream", reply.Content.Headers.ContentType?.MediaType);
        Assert.Equal("data: eyJ2ZXJzaW9uIjoxfQ==", await stream.ReadLineAsync(Cancel));
        Assert.Equal("", await stream.ReadLineAsync(Cancel));
        var more = stream.ReadLineAsync(Cancel).AsTask();
        Assert.Equal("""{"version":1}""", await _http.GetStringAsync("/metadata", Cancel));
        Assert.False(more.IsCompleted);
    }

    [Theory]
    [InlineData("/start")]
    [InlineData("/metadata")]
    public async Task Request_PathOfTheEndpoint_IsStillTheActors(string path)
    {
        await StartAsync(1);

        using var reply = await GetAsync(path, 1);
        Assert.Equal(path, (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("path").GetString());
    }

    [Fact]
    public async Task Request_Started_EchoesWhatArrived()
    {
        Assert.Equal(HttpStatusCode.OK, await StartAsync(3));

        using var request = Ask(HttpMethod.Put, "/a%2Fb?x=1&&y=", 3);
        request.Content = new StringContent("body text");
        using var reply = await _http.SendAsync(request, Cancel);
        var echo = await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);

        Assert.Equal("PUT", echo.GetProperty("method").GetString());
        Assert.Equal("/a%2Fb?x=1&&y=", echo.GetProperty("path").GetString());
        Assert.Equal(3, echo.GetProperty("generation").GetInt64());
        Assert.Equal("body text", echo.GetProperty("body").GetString());
        Assert.Equal(ActorId, echo.GetProperty("headers").GetProperty("x-rivet-actor")[0].GetString());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public async Task Request_OtherGeneration_421(long generation)
    {
        await StartAsync(3);

        Assert.Equal(HttpStatusCode.MisdirectedRequest, (await GetAsync("/", generation)).StatusCode);
    }

    [Fact]
    public async Task Start_OlderGeneration_409()
    {
        await StartAsync(3);

        Assert.Equal(HttpStatusCode.Conflict, await StartAsync(2));
        Assert.Equal(HttpStatusCode.OK, await StartAsync(3));
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/", 3)).StatusCode);
    }

    [Fact]
    public async Task Start_NewerGeneration_ReplacesTheOlder()
    {
        await StartAsync(3);

        Assert.Equal(HttpStatusCode.OK, await StartAsync(4));
        Assert.Equal(HttpStatusCode.MisdirectedRequest, (await GetAsync("/", 3)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/", 4)).StatusCode);
    }

    [Fact]
    public async Task Start_SlowKey_AnswersAfterThreeSeconds()
    {
        var answer = StartAsync(1, DemoActors.Slow);
        await _time.TimerArmed.Task.WaitAsync(Limit, Cancel);

        _time.Advance(TimeSpan.FromSeconds(2.9));
        Assert.Empty(_runner.Actors.All);
        Assert.False(answer.IsCompleted);

        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(HttpStatusCode.OK, await answer.WaitAsync(Limit, Cancel));
    }

    [Fact]
    public async Task Stop_SameGeneration_AnswersThen421()
    {
        await StartAsync(3);

        Assert.Equal(HttpStatusCode.OK, await StopAsync(3));
        Assert.Equal(HttpStatusCode.MisdirectedRequest, (await GetAsync("/", 3)).StatusCode);
    }

    [Fact]
    public async Task Stop_OlderGeneration_ChangesNothing()
    {
        await StartAsync(3);

        Assert.Equal(HttpStatusCode.OK, await StopAsync(2));
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/", 3)).StatusCode);
    }

    [Fact]
    public async Task WebSocket_Message_IsEchoed_AndStopCloses1001()
    {
        await StartAsync(3);
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("x-rivet-actor", ActorId);
        socket.Options.SetRequestHeader("x-rivet-actor-generation", "3");
        await socket.ConnectAsync(new Uri(_runner.Endpoint.Replace("http", "ws", StringComparison.Ordinal) + "/ws"), Cancel);

        Assert.Equal("hello from key", await ReceiveAsync(socket));
        await socket.SendAsync("ping"u8.ToArray(), WebSocketMessageType.Text, true, Cancel);
        Assert.Equal("ping", await ReceiveAsync(socket));

        var stop = StopAsync(3);
        Assert.Equal("", await ReceiveAsync(socket));
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, socket.CloseStatus);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Cancel);
        Assert.Equal(HttpStatusCode.OK, await stop.WaitAsync(Limit, Cancel));
    }

    [Fact]
    public async Task Events_Started_SendsTicks_AndStopEnds()
    {
        await StartAsync(3);
        using var request = Ask(HttpMethod.Get, "/events", 3);
        using var reply = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        using var reader = new StreamReader(await reply.Content.ReadAsStreamAsync(Cancel));

        Assert.Equal("text/event-stream", reply.Content.Headers.ContentType?.MediaType);
        Assert.Equal("id: 1", await reader.ReadLineAsync(Cancel).AsTask().WaitAsync(Limit, Cancel));
        Assert.Equal("data: tick 1 of key", await reader.ReadLineAsync(Cancel).AsTask().WaitAsync(Limit, Cancel));

        Assert.Equal(HttpStatusCode.OK, await StopAsync(3).WaitAsync(Limit, Cancel));
        await reader.ReadToEndAsync(Cancel).WaitAsync(Limit, Cancel);
    }

    private async Task<HttpStatusCode> StartAsync(long generation, string key = "key")
    {
        var json = $$"""{"actor_id":"{{ActorId}}","generation":{{generation}},"start_id":"s","name":"demo","key":"{{key}}","namespace":"default","runner_name":"default"}""";
        using var reply = await _http.PostAsync($"/.guard/actors/{ActorId}/start", new StringContent(json, Encoding.UTF8, "application/json"), Cancel);
        return reply.StatusCode;
    }

    private async Task<HttpStatusCode> StopAsync(long generation)
    {
        var json = $$"""{"generation":{{generation}},"reason":"sleep"}""";
        using var reply = await _http.PostAsync($"/.guard/actors/{ActorId}/stop", new StringContent(json, Encoding.UTF8, "application/json"), Cancel);
        return reply.StatusCode;
    }

    private async Task<HttpResponseMessage> GetAsync(string path, long generation)
    {
        using var request = Ask(HttpMethod.Get, path, generation);
        return await _http.SendAsync(request, Cancel);
    }

    private HttpRequestMessage Ask(HttpMethod method, string path, long generation)
    {
        var uri = new Uri(_runner.Endpoint + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var request = new HttpRequestMessage(method, uri);
        request.Headers.Add("x-rivet-actor", ActorId);
        request.Headers.Add("x-rivet-actor-generation", generation.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return request;
    }

    private static async Task<string> ReceiveAsync(ClientWebSocket socket)
    {
        var buffer = new byte[1024];
        var part = await socket.ReceiveAsync(buffer, Cancel).WaitAsync(Limit, Cancel);
        return Encoding.UTF8.GetString(buffer, 0, part.Count);
    }

    /// <summary>Says when the first timer stands, so that a test moves the clock neither too early nor after a nap.</summary>
    private sealed class SignallingTime : FakeTimeProvider
    {
        public TaskCompletionSource TimerArmed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            TimerArmed.TrySetResult();
            return timer;
        }
    }
}
