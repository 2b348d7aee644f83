using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Hosting;

namespace Guard.Auth;

/// <summary>
/// <c>guard hash-token [NAMESPACE]</c>: reads a token from the standard input, so that it stands in no list of processes, and prints what
/// goes into a configuration in its place. Exit codes: 0, or 2 with a line that says why.
/// </summary>
internal static class HashTokenCommand
{
    public const string Name = "hash-token";

    /// <summary>Whether the command line asks for it.</summary>
    public static bool IsAsked(string[] args) => args is [Name, ..];

    /// <param name="args">The whole command line.</param>
    /// <param name="input">One line, the token.</param>
    /// <param name="output">Gets the hash: for <c>Auth:Tokens</c> with a namespace, else for <c>Control:Token</c> and its like.</param>
    /// <param name="errors">Gets what is wrong.</param>
    public static async Task<int> RunAsync(string[] args, TextReader input, TextWriter output, TextWriter errors)
    {
        var @namespace = args.ElementAtOrDefault(1);
        if (args.Length > 2 || (@namespace is not (null or TokenScope.Any) && !OptionSyntax.IsLabel(@namespace)))
        {
            await errors.WriteLineAsync("guard: usage: guard hash-token [NAMESPACE or *], with the token on the standard input");
            return StartupFailure.ExitCode;
        }

        if (await input.ReadLineAsync() is not { Length: > 0 and <= TokenHash.MaxTokenLength } token || !OptionSyntax.IsToken(token))
        {
            await errors.WriteLineAsync($"guard: the token must be 1 to {TokenHash.MaxTokenLength} visible ASCII characters without spaces, on one line of the standard input");
            return StartupFailure.ExitCode;
        }

        var hash = TokenHash.Format(token);
        await output.WriteLineAsync(@namespace is null ? hash : $"{@namespace}={hash}");
        return 0;
    }
}
