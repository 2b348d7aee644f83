using Guard.Core.Options;
using Microsoft.Extensions.Configuration;

namespace Guard.Core.Tests.Options;

/// <summary>Reads options of a few keys, as they would come from any layer of the configuration.</summary>
internal static class OptionsFixture
{
    public static OptionsResult Read(params (string Key, string? Value)[] entries)
        => Reader().Read(new ConfigurationBuilder().AddInMemoryCollection(entries.Select(e => KeyValuePair.Create(e.Key, e.Value))).Build());

    public static OptionsResult ReadJson(string json)
        => Reader().Read(new ConfigurationBuilder().AddJsonStream(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(json))).Build());

    public static GuardOptions ReadValid(params (string Key, string? Value)[] entries)
    {
        var result = Read(entries);
        Assert.True(result.IsValid, string.Join('\n', result.Problems));
        return result.Options;
    }

    public static string ReadInvalid(params (string Key, string? Value)[] entries)
    {
        var result = Read(entries);
        Assert.Null(result.Options);
        return OptionProblem.Line(result.Problems);
    }

    /// <summary>A world where only <c>seed.json</c> exists and endpoint entries have no spaces.</summary>
    private static OptionsReader Reader() => new(new OptionRules(entry => entry != "bad-entry", file => file == "seed.json", text => text != "bad-redis"));
}
