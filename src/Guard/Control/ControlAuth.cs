using System.Security.Cryptography;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Request.Admission;

namespace Guard.Control;

/// <summary>
/// Who may make which call. Tokens are compared as hashes and always with every token there is, so that the time of an answer tells
/// nothing of them. Without a token that may do everything, everyone may do everything (the host then listens on loopback only). Thread-safe.
/// </summary>
internal sealed class ControlAuth(ControlOptions options)
{
    private readonly bool _isOpen = !options.HasOperatorToken();
    private readonly byte[][] _tokens = Hashes([options.Token, .. options.Tokens ?? []]);
    private readonly byte[][] _readTokens = Hashes(options.ReadTokens);
    private readonly byte[][] _runnerTokens = Hashes(options.RunnerTokens);

    /// <summary>Null when the call may go on.</summary>
    public GuardError? Check(HttpContext context)
    {
        if (_isOpen)
        {
            return null;
        }

        if (BearerOf(context.Request) is not { } bearer)
        {
            return GuardErrors.Unauthorized();
        }

        var given = TokenHash.Of(bearer);
        var (isOperator, isReader, isRunner) = (IsOneOf(given, _tokens), IsOneOf(given, _readTokens), IsOneOf(given, _runnerTokens));
        if (isOperator)
        {
            return null;
        }

        if (!isReader && !isRunner)
        {
            return GuardErrors.Unauthorized();
        }

        return (isReader && IsRead(context)) || (isRunner && Has<RunnerCall>(context)) ? null : GuardErrors.Forbidden();
    }

    private static bool IsOneOf(byte[] given, byte[][] tokens)
    {
        var found = false;
        foreach (var token in tokens)
        {
            found |= CryptographicOperations.FixedTimeEquals(given, token);
        }

        return found;
    }

    private static bool IsRead(HttpContext context)
        => (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method)) && !Has<ChangingCall>(context);

    private static bool Has<T>(HttpContext context)
        where T : class
        => context.GetEndpoint()?.Metadata.GetMetadata<T>() is not null;

    private static string? BearerOf(HttpRequest request)
    {
        const string Scheme = "Bearer ";
        return request.Headers.Authorization is [{ } value] && value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            ? value[Scheme.Length..].Trim(' ')
            : null;
    }

    private static byte[][] Hashes(IEnumerable<string?>? tokens) => [.. (tokens ?? []).Where(token => !string.IsNullOrEmpty(token)).Select(token => TokenHash.Read(token!))];
}
