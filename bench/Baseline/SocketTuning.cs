using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Guard.Baseline;

/// <summary>What Guard sets in its own process, so that it is compared with code and not with switches.</summary>
internal static class SocketTuning
{
    /// <summary>Read once by the runtime, when the first socket is made.</summary>
    private const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    public static void Apply() => Environment.SetEnvironmentVariable(InlineCompletions, "1");

    public static void Apply(IServiceCollection services)
        => services.Configure<SocketTransportOptions>(transport => transport.UnsafePreferInlineScheduling = true);
}
