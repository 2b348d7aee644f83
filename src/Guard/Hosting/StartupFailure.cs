using System.Net.Sockets;
using System.Security.Cryptography;
using Guard.Configuration;

namespace Guard.Hosting;

/// <summary>Failures of a start that are the operator's to repair, told in one line without stack trace.</summary>
internal static class StartupFailure
{
    /// <summary>Of the process, when it could not start because of its configuration or its surroundings.</summary>
    public const int ExitCode = 2;

    private const string KestrelAssembly = "Microsoft.AspNetCore.Server.Kestrel.Core";

    /// <summary>One line for stderr; null for what is a bug, and should show where it is.</summary>
    public static string? Describe(Exception exception) => exception switch
    {
        ConfigurationException => exception.Message,
        _ when IsSurroundings(exception) => $"cannot start: {ConfigurationLayers.DescribeReadFailure(exception)}",
        _ => null,
    };

    /// <summary>Names the endpoint whose address the server could not use, where it says which; the exception itself otherwise.</summary>
    public static Exception WithEndpoint(Exception exception, IReadOnlyList<GuardEndpoint> endpoints)
        => IsSurroundings(exception) && endpoints.FirstOrDefault(e => exception.Message.Contains(e.Url, StringComparison.OrdinalIgnoreCase)) is { } endpoint
            ? new ConfigurationException($"{endpoint.UrlKey}: {ConfigurationLayers.DescribeReadFailure(exception)}", exception)
            : exception;

    /// <summary>An address in use or not ours, no permission; a certificate that is missing or cannot be read.</summary>
    private static bool IsSurroundings(Exception exception)
        => exception is IOException or SocketException or UnauthorizedAccessException or CryptographicException
            or InvalidOperationException { Source: KestrelAssembly };
}
