using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Guard.Hosting;

/// <summary>
/// Where the work of a connection runs: on the thread that heard of its bytes, instead of one hand-over to the thread pool per read.
/// Nothing Guard does for a request blocks or computes for long, so there is nothing a hand-over would make room for; calls of the
/// control API are handed over all the same (<see cref="RequestPipeline"/>).
/// </summary>
internal static class SocketScheduling
{
    /// <summary>The runtime reads it once, when the first socket is made, and from nowhere else. <c>0</c> keeps its own way.</summary>
    public const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>Call before anything makes a socket. What the operator set stands.</summary>
    public static void PreferInline()
    {
        if (Environment.GetEnvironmentVariable(InlineCompletions) is null)
        {
            Environment.SetEnvironmentVariable(InlineCompletions, "1");
        }
    }

    /// <summary>The server's half: bytes are parsed, and requests run, where they were read.</summary>
    public static void PreferInline(IServiceCollection services)
        => services.Configure<SocketTransportOptions>(static transport =>
            transport.UnsafePreferInlineScheduling = Environment.GetEnvironmentVariable(InlineCompletions) == "1");
}
