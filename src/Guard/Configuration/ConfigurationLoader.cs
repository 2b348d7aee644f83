using Guard.Core.Options;

namespace Guard.Configuration;

/// <summary>Options and endpoints of one configuration, checked alone and together: the same at start and at each reload. Thread-safe.</summary>
internal sealed class ConfigurationLoader(OptionsReader options)
{
    /// <summary>Valid, or every problem there is.</summary>
    public OptionsResult Load(IConfiguration configuration)
    {
        var result = options.Read(configuration);
        OptionProblem[] problems = [.. result.Problems, .. GuardEndpoints.Check(configuration, result.Options)];
        return problems.Length == 0 ? result : new OptionsResult(null, problems);
    }
}
