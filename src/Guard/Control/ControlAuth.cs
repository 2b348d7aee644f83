using System.Security.Cryptography;
using System.Text;
using Guard.Core.Errors;
using Guard.Core.Options;

namespace Guard.Control;

/// <summary>
/// Who may make which call. Tokens are compared as hashes and always with every token there is, so that the time of an answer tells
/// nothing of them. Without <c>Control:Token</c> everyone may do everything (the host then listens on loopback only). Thread-safe.
/// </summary>
internal sealed class ControlAuth(ControlOptions options)
{
    private readonly byte[]? _token = string.IsNullOrEmpty(options.Token) ? null : Hash(options.Token);
    private readonly byte[][] _runnerTokens = [.. (options.RunnerTokens ?? []).Select(Hash)];

    /// <summary>Null when the call may go on.</summary>
    public GuardError? Check(HttpContext context)
    {
        if (_token is null)
        {
            return null;
        }

        if (BearerOf(context.Request) is not { } bearer)
        {
            return GuardErrors.Unauthorized();
        }

        var given = Hash(bearer);
        var isRunner = false;
        foreach (var token in _runnerTokens)
        {
            isRunner |= CryptographicOperations.FixedTimeEquals(given, token);
        }

        if (CryptographicOperations.FixedTimeEquals(given, _token))
        {
            return null;
        }

        if (!isRunner)
        {
            return GuardErrors.Unauthorized();
        }

        return context.GetEndpoint()?.Metadata.GetMetadata<RunnerCall>() is null ? GuardErrors.Forbidden() : null;
    }

    private static string? BearerOf(HttpRequest request)
    {
        const string Scheme = "Bearer ";
        return request.Headers.Authorization is [{ } value] && value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            ? value[Scheme.Length..].Trim(' ')
            : null;
    }

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
