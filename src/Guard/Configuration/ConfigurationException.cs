using Guard.Core.Options;

namespace Guard.Configuration;

/// <summary>The configuration cannot be used. The message is one line for the operator: key, value, what is allowed.</summary>
internal sealed class ConfigurationException : Exception
{
    public ConfigurationException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    public ConfigurationException(IReadOnlyList<OptionProblem> problems)
        : base(OptionProblem.Line(problems))
    {
    }
}
