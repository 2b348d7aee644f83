using System.Net;
using System.Net.Sockets;
using System.Text;
using Guard.Scenarios.Edge.Wire;
using Guard.TestSupport;

namespace Guard.Scenarios.Edge;

/// <summary>The real binary with a <see cref="RecordingRunner"/> behind it, an actor that is ready, and raw sockets in front. Thread-safe.</summary>
internal sealed class EdgeGuard : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly Lazy<Task<EdgeGuard>> Shared = new(() => StartAsync([], CancellationToken.None));

    private EdgeGuard(GuardProcess guard, RecordingRunner runner, string actorId)
        => (Process, Runner, ActorId) = (guard, runner, actorId);

    public GuardProcess Process { get; }

    public RecordingRunner Runner { get; }

    public string ActorId { get; }

    /// <summary>One for all tests that only send requests and tell their own apart; its process ends with the test process.</summary>
    public static Task<EdgeGuard> SharedAsync(CancellationToken cancellationToken) => Shared.Value.WaitAsync(cancellationToken);

    public static async Task<EdgeGuard> StartAsync((string Key, string Value)[] settings, CancellationToken cancellationToken)
    {
        // The recording runner sends no heartbeats.
        var guard = await GuardProcess.StartAsync(
            cancellationToken, [("Guard:Runners:EligibleAfter", "23:00:00"), ("Guard:Runners:LostAfter", "1.00:00:00"), .. settings]);
        var runner = new RecordingRunner();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => guard.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(5));
        await guard.Control.PutPoolAsync("default", cancellationToken);
        await guard.Control.CallAsync(
            HttpMethod.Post,
            "runners?namespace=default",
            $$"""{"name":"default","key":"recording","version":1,"endpoint":"{{runner.Endpoint}}","total_slots":100000}""",
            cancellationToken);
        var edge = new EdgeGuard(guard, runner, await guard.Control.CreateActorAsync("default", cancellationToken, key: "k1"));
        using var wake = await guard.Client.GetAsync(new Uri($"/gateway/{edge.ActorId}/warm-up", UriKind.Relative), cancellationToken);
        wake.EnsureSuccessStatusCode();
        return edge;
    }

    /// <summary>Puts the actor's id in for <c>{actor}</c>.</summary>
    public string Fill(string text) => text.Replace("{actor}", ActorId, StringComparison.Ordinal);

    public async Task<NetworkStream> ConnectAsync(CancellationToken cancellationToken, IPAddress? from = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (from is not null)
            {
                // Any address of 127.0.0.0/8 is this machine's: the one thing about a client that nothing it sends can change.
                socket.Bind(new IPEndPoint(from, 0));
            }

            await socket.ConnectAsync(IPAddress.Loopback, Process.Gateway.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Sends bytes (Latin-1) from an address of its own and reads until Guard closes the connection.</summary>
    public async Task<byte[]> SendAsync(string request, CancellationToken cancellationToken, IPAddress? from = null)
    {
        await using var stream = await ConnectAsync(cancellationToken, from);
        await stream.WriteAsync(Encoding.Latin1.GetBytes(Fill(request)), cancellationToken);
        return await ReadToEndAsync(stream, cancellationToken);
    }

    /// <summary>Everything until the end of the connection, orderly or not.</summary>
    public static async Task<byte[]> ReadToEndAsync(Stream stream, CancellationToken cancellationToken)
    {
        var all = new MemoryStream();
        var buffer = new byte[16 * 1024];
        try
        {
            while (await stream.ReadAsync(buffer, cancellationToken).AsTask().WaitAsync(Patience, cancellationToken) is > 0 and var count)
            {
                all.Write(buffer, 0, count);
            }
        }
        catch (IOException)
        {
            // Reset.
        }

        return all.ToArray();
    }

    /// <summary>What reached the runner from this address.</summary>
    public WireRequest[] SeenFrom(IPAddress client)
        => [.. Runner.Requests.Where(r => r.Values("x-forwarded-for") is [var address] && address == client.ToString())];

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        await Runner.DisposeAsync();
    }
}
