using System.Globalization;
using System.Text.Json;
using Guard.Core.Transport.Connections;
using Guard.Model.Pools;
using Guard.Model.Text;

namespace Guard.Core.State.Serverless;

/// <summary>Reads and completes the first message of a start call's stream: base64 of JSON (docs/contract.md, section 8). Unknown members are
/// ignored; null counts as absent. Thread-safe.</summary>
internal sealed class InitReader(EndpointPolicy policy)
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Null when the message cannot be used, with what is wrong and what is allowed.</summary>
    /// <param name="data">The event's data.</param>
    /// <param name="config">Of the pool: what the message leaves open comes from here.</param>
    /// <param name="problem">Empty when it can be used.</param>
    public ServerlessInit? Read(string data, ServerlessPoolConfig config, out string problem)
    {
        var bytes = new byte[data.Length];
        if (!Convert.TryFromBase64String(data, bytes, out var length))
        {
            problem = "the first message is not base64";
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(bytes.AsMemory(0, length), Strict);
            return Read(json.RootElement, config, out problem);
        }
        catch (JsonException)
        {
            problem = "the first message is base64, but not of JSON";
            return null;
        }
        catch (InvalidOperationException)
        {
            // A text that is not UTF-8, or half of a surrogate pair.
            problem = "the first message holds a text that is not valid Unicode";
            return null;
        }
    }

    private ServerlessInit? Read(JsonElement root, ServerlessPoolConfig config, out string problem)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            problem = "the first message must be a JSON object";
            return null;
        }

        if (!TryReadVersion(root, out var version))
        {
            problem = "version: must be a whole number from 0 to 2147483647";
            return null;
        }

        var slots = (long)config.SlotsPerRunner;
        if (Find(root, "total_slots") is { } total && !(total.ValueKind == JsonValueKind.Number && total.TryGetInt64(out slots) && slots > 0))
        {
            problem = "total_slots: must be a whole number of at least 1";
            return null;
        }

        var key = TextOf(root, "key", out var isKeyText);
        if (!isKeyText || (key is not null && !NameRules.IsRunnerKey(key)))
        {
            problem = $"key: {NameRules.RunnerKeyAllowed}";
            return null;
        }

        var endpoint = TextOf(root, "endpoint", out var isEndpointText);
        if ((isEndpointText ? CheckEndpoint(ref endpoint, config.Url) : "must be a text") is { } wrong)
        {
            problem = $"endpoint: {wrong}";
            return null;
        }

        problem = "";
        return new ServerlessInit(version, endpoint ?? config.Url, (int)Math.Min(slots, config.SlotsPerRunner), key, IsRoutedByKey: endpoint is null);
    }

    /// <summary>Reads the <c>version</c> of an init or of metadata.</summary>
    public static bool TryReadVersion(JsonElement root, out int version)
    {
        version = -1;
        return Find(root, "version") is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out version) && version >= 0;
    }

    /// <summary>An endpoint lets whoever answers at <paramref name="url"/> say where Guard sends requests: elsewhere than to itself only
    /// where an operator has listed.</summary>
    private string? CheckEndpoint(ref string? endpoint, string url)
    {
        if (endpoint is null)
        {
            return null;
        }

        if (policy.CheckUrl(endpoint, out var normalised) is { } wrong)
        {
            return wrong;
        }

        endpoint = normalised;
        var host = HostOf(url);
        return policy.HasList || HostOf(endpoint).Equals(host, StringComparison.OrdinalIgnoreCase)
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"must have the host of the pool's url, {Utf8Prefix.Of(host, 253)}, unless Runners:AllowedEndpoints lists another");
    }

    private static string HostOf(string url) => new Uri(url).IdnHost.TrimEnd('.');

    private static JsonElement? Find(JsonElement root, string name)
        => root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static string? TextOf(JsonElement root, string name, out bool isText)
    {
        var value = Find(root, name);
        isText = value is null or { ValueKind: JsonValueKind.String };
        return isText ? value?.GetString() : null;
    }
}
