using System.Net;

namespace Guard.Scenarios.Edge;

/// <summary>Loopback addresses that no other client of this process has: Guard tells the runner the address, and nothing a client sends
/// can change it. Thread-safe.</summary>
internal static class ClientAddress
{
    private static int _next;

    public static IPAddress Next()
    {
        var n = Interlocked.Increment(ref _next);
        return new IPAddress([127, (byte)(1 + (n / 64_516)), (byte)(1 + (n / 254 % 254)), (byte)(1 + (n % 254))]);
    }
}
