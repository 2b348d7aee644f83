using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Guard.Load.Processes;

namespace Guard.Load.Guards;

/// <summary>A Redis of this run, in memory only, beside the client.</summary>
internal sealed class RedisProcess
{
    private readonly int _port;

    private RedisProcess(Child process, int port) => (Process, _port) = (process, port);

    public Child Process { get; }

    public string Address => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_port}");

    public static async Task<RedisProcess> StartAsync(CancellationToken cancellationToken)
    {
        var port = Ports.Free();
        var child = Child.Start("redis", Cores.Client,
            [Tools.Find("redis-server"), "--port", port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        await Ports.WaitAsync(port, child, cancellationToken);
        return new RedisProcess(child, port);
    }

    /// <summary>Commands it has processed since it started; what scripts call counts too.</summary>
    public async Task<long> CommandsAsync(CancellationToken cancellationToken)
    {
        var info = await SendAsync("INFO stats\r\n", cancellationToken);
        var line = info.Split("\r\n").First(l => l.StartsWith("total_commands_processed:", StringComparison.Ordinal));
        return long.Parse(line.AsSpan(line.IndexOf(':') + 1), CultureInfo.InvariantCulture);
    }

    /// <summary>Sends one inline command and reads a bulk reply to its end.</summary>
    private async Task<string> SendAsync(string command, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, _port, cancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(command), cancellationToken);
        var reply = new StringBuilder();
        var buffer = new byte[16 * 1024];
        while (true)
        {
            reply.Append(Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer, cancellationToken)));
            var text = reply.ToString();
            var head = text.IndexOf("\r\n", StringComparison.Ordinal);
            if (head > 0 && text.Length >= head + 4 + int.Parse(text.AsSpan(1, head - 1), CultureInfo.InvariantCulture))
            {
                return text;
            }
        }
    }
}
