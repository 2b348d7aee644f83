using System.Net.Sockets;
using System.Runtime.InteropServices;
using Guard.Load;
using Guard.Load.Commands;
using Guard.Load.Processes;

// One command per run. Everything it starts listens on loopback and ends with it, however it ends.
using var stop = new CancellationTokenSource();
using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

// The sockets of this process too: the client must not be what is measured.
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
try
{
    var options = new CommandOptions(args);
    Func<CommandOptions, CancellationToken, Task>? command = options.Command switch
    {
        "compare" => CompareCommand.RunAsync,
        "hold" => HoldCommand.RunAsync,
        "ready" => ReadyCommand.RunAsync,
        "cold" => ColdCommand.RunAsync,
        "pools" => PoolsCommand.RunAsync,
        "storm" => StormCommand.RunAsync,
        "websocket" => WebSocketCommand.RunAsync,
        "start" => StartCommand.RunAsync,
        "target" => TargetCommand.RunAsync,
        _ => null,
    };
    if (command is null)
    {
        await Console.Error.WriteLineAsync("usage: bench/load/run compare|hold|ready|cold|pools|storm|websocket|start|target [options]; see bench/README.md");
        return 2;
    }

    await command(options, stop.Token);
    return 0;
}
catch (Exception e) when (e is LoadException or OperationCanceledException or SocketException or HttpRequestException or TimeoutException)
{
    await Console.Error.WriteLineAsync($"guard-load: {(e is OperationCanceledException ? "stopped" : e.Message)}");
    return 1;
}
finally
{
    Child.EndAll();
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}
