using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;

namespace Guard.Core.Options;

/// <summary>What became of a configuration: options, or why there are none. Immutable.</summary>
/// <param name="Options">Null when there are problems.</param>
/// <param name="Problems">Empty when there are options.</param>
internal sealed record OptionsResult(GuardOptions? Options, IReadOnlyList<OptionProblem> Problems)
{
    [MemberNotNullWhen(true, nameof(Options))]
    public bool IsValid => Problems.Count == 0 && Options is not null;
}

/// <summary>
/// Makes options of a configuration: refuses unknown keys, reads every key of <see cref="OptionKeys"/>, then applies the rules between
/// keys. Bad input never throws. Thread-safe.
/// </summary>
internal sealed class OptionsReader(OptionRules rules)
{
    public OptionsResult Read(IConfiguration configuration)
    {
        var root = configuration.GetSection(OptionKey.Root);
        var problems = new List<OptionProblem>(UnknownKeys.In(root));
        var options = new GuardOptions();
        foreach (var key in OptionKeys.All)
        {
            if (key.Read(root.GetSection(key.Name), options) is { } problem)
            {
                problems.Add(problem);
            }
        }

        // A rule between two keys says nothing useful while one of them could not be read.
        if (problems.Count == 0)
        {
            problems.AddRange(rules.Check(options));
        }

        return new OptionsResult(problems.Count == 0 ? options : null, problems);
    }
}
