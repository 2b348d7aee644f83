using System.Globalization;
using System.Text.Json;

namespace Guard.FailFast;

/// <summary>What was measured on the system Guard follows, by the name of the fault.</summary>
internal sealed class PeerTimings
{
    private readonly Dictionary<string, string> _cells;

    private PeerTimings(Dictionary<string, string> cells) => _cells = cells;

    public static PeerTimings Load()
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", "peer-timings.json")));
        return new(json.RootElement.GetProperty("faults").EnumerateObject().ToDictionary(f => f.Name, f => Cell(f.Value)));
    }

    /// <summary>Its cell of the table.</summary>
    public string Of(string? fault) => fault is null ? "not measured" : _cells[fault];

    private static string Cell(JsonElement fault)
    {
        var times = string.Create(
            CultureInfo.InvariantCulture,
            $"{fault.GetProperty("median").GetInt32():N0} ms ({fault.GetProperty("min").GetInt32():N0} to {fault.GetProperty("max").GetInt32():N0})");
        return fault.TryGetProperty("answer", out var answer) ? $"{times}: {answer.GetString()}" : times;
    }
}
