using System.Text.Json;
using Guard.Core.Transport.Connections;

namespace Guard.Core.State.Serverless;

/// <summary>Reads <c>GET {url}/metadata</c>: <c>{"version":int}</c>, other members ignored. Thread-safe.</summary>
internal sealed class MetadataClient(ServerlessInvoker invoker, EndpointPolicy policy, TimeProvider time)
{
    /// <summary>From the call to the whole body: the shortest interval between two reads.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>Of the body.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <inheritdoc cref="ServerlessMetadata"/>
    public async Task<MetadataResult> ReadAsync(string url, IReadOnlyDictionary<string, string> headers, CancellationToken cancellationToken)
    {
        if (policy.CheckUrl(url, out var checkedUrl) is { } wrong)
        {
            return new(null, MetadataFault.InvalidRequest, $"url: {wrong}");
        }

        using var timeout = new CancellationTokenSource(Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            using var request = ServerlessRequest.Metadata(checkedUrl, headers);
            using var response = await invoker.SendAsync(request, either.Token);
            return response.IsSuccessStatusCode
                ? await ReadAsync(response, either.Token)
                : new(null, MetadataFault.NonSuccessStatus, $"answered {(int)response.StatusCode}; expected 200");
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception e) when (StartFaults.IsExpected(e))
        {
            return timeout.IsCancellationRequested
                ? new(null, MetadataFault.RequestTimedOut, FormattableString.Invariant($"no whole reply within {Limit.TotalSeconds:0.###} s"))
                : new(null, MetadataFault.RequestFailed, StartFaults.Describe(e));
        }
    }

    private static async Task<MetadataResult> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (StartFaults.UnaskedEncoding(response.Content.Headers) is not null)
        {
            return new(null, MetadataFault.InvalidResponseJson, "the reply has a content-encoding, which Guard did not ask for");
        }

        var body = new byte[MaxBytes + 1];
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var length = await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellationToken);
        if (length > MaxBytes)
        {
            return new(null, MetadataFault.InvalidResponseJson, $"the reply is longer than {MaxBytes} bytes");
        }

        try
        {
            using var json = JsonDocument.Parse(body.AsMemory(0, length));
            return json.RootElement.ValueKind == JsonValueKind.Object && InitReader.TryReadVersion(json.RootElement, out var version)
                ? new(version)
                : new(null, MetadataFault.InvalidResponseSchema, "the reply must be a JSON object with version, a whole number from 0 to 2147483647");
        }
        catch (JsonException)
        {
            return new(null, MetadataFault.InvalidResponseJson, "the reply is not JSON");
        }
    }
}
