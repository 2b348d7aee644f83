using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Guard.TestSupport;

/// <summary>
/// A real redis-server of this process on a free loopback port, with a directory of its own. Ends with this process, also when that is
/// killed: a shell beside it waits for the end of its standard input.
/// </summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("guard-redis-");
    private readonly string[] _arguments;
    private Process? _keeper;
    private int _pid;

    private RedisServer(int port, string[] arguments)
    {
        Port = port;
        _arguments = arguments;
    }

    public int Port { get; }

    public string Address => $"127.0.0.1:{Port}";

    /// <param name="arguments">Further settings, as redis-server takes them on its command line.</param>
    public static async Task<RedisServer> StartAsync(params string[] arguments)
    {
        var server = new RedisServer(FreePort.Next(), arguments);
        await server.StartAgainAsync();
        return server;
    }

    /// <summary>One that keeps what it was told, also when it is killed.</summary>
    public static Task<RedisServer> StartDurableAsync() => StartAsync("--appendonly", "yes", "--appendfsync", "everysec");

    /// <summary>Starts it on the same port after <see cref="KillAsync"/>.</summary>
    public async Task StartAgainAsync()
    {
        string[] settings = ["--port", $"{Port}", "--bind", "127.0.0.1", "--save", "''", "--dir", _directory.FullName, "--logfile", "log", .. _arguments];
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add($"redis-server {string.Join(' ', settings)} </dev/null >/dev/null 2>&1 & echo $!; read _; kill -9 $!");
        _keeper = Process.Start(start)!;
        _pid = int.Parse(await _keeper.StandardOutput.ReadLineAsync() ?? "0", System.Globalization.CultureInfo.InvariantCulture);
        var since = TimeProvider.System.GetTimestamp();
        while (!await AnswersAsync())
        {
            if (TimeProvider.System.GetElapsedTime(since) > Patience)
            {
                throw new InvalidOperationException($"redis-server did not answer on port {Port}; is it installed (apt-get install redis-server)? {Log()}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        Signal("KILL");
        var since = TimeProvider.System.GetTimestamp();
        while (await AcceptsAsync() && TimeProvider.System.GetElapsedTime(since) < Patience)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        }

        await EndKeeperAsync();
    }

    /// <summary>Forgets everything it kept on disk; while it is not running.</summary>
    public void DropData()
    {
        foreach (var item in _directory.GetFileSystemInfos())
        {
            if (item is DirectoryInfo folder)
            {
                folder.Delete(recursive: true);
            }
            else
            {
                item.Delete();
            }
        }
    }

    /// <summary>SIGSTOP: connections stay, nothing is answered.</summary>
    public void Freeze() => Signal("STOP");

    public void Thaw() => Signal("CONT");

    /// <summary>Sends one command given in words and returns the raw reply.</summary>
    public async Task<string> AskAsync(params string[] words)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Port);
        var stream = client.GetStream();
        var command = new StringBuilder($"*{words.Length}\r\n");
        foreach (var word in words)
        {
            command.Append($"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n");
        }

        command.Append("*1\r\n$4\r\nQUIT\r\n");
        await stream.WriteAsync(Encoding.UTF8.GetBytes(command.ToString()));
        using var reader = new StreamReader(stream);
        var reply = await reader.ReadToEndAsync().WaitAsync(Patience);
        return reply.EndsWith("+OK\r\n", StringComparison.Ordinal) ? reply[..^5] : reply;
    }

    public async ValueTask DisposeAsync()
    {
        Signal("KILL");
        await EndKeeperAsync();
        _directory.Delete(recursive: true);
    }

    private void Signal(string signal)
    {
        using var kill = Process.Start(new ProcessStartInfo("kill", $"-{signal} {_pid}") { RedirectStandardError = true });
        kill?.WaitForExit();
    }

    private async Task EndKeeperAsync()
    {
        if (_keeper is { } keeper)
        {
            keeper.StandardInput.Close();
            await keeper.WaitForExitAsync();
            keeper.Dispose();
            _keeper = null;
        }
    }

    private async Task<bool> AcceptsAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            return (await AskAsync("PING")).StartsWith("+PONG", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }

    private string Log()
    {
        var path = Path.Combine(_directory.FullName, "log");
        return File.Exists(path) ? File.ReadAllText(path) : "It left no log.";
    }
}
