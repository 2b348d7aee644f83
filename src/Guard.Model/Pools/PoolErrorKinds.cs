namespace Guard.Model.Pools;

/// <summary>What kinds of pool errors are called.</summary>
internal static class PoolErrorKinds
{
    /// <summary>The name a kind has in JSON and in the labels of metrics.</summary>
    public static string Name(this PoolErrorKind kind) => kind switch
    {
        PoolErrorKind.ServerlessHttpError => "serverless_http_error",
        PoolErrorKind.ServerlessStreamEndedEarly => "serverless_stream_ended_early",
        PoolErrorKind.ServerlessConnectionError => "serverless_connection_error",
        PoolErrorKind.ServerlessInvalidSsePayload => "serverless_invalid_sse_payload",
        PoolErrorKind.Downgrade => "downgrade",
        _ => "internal_error",
    };

    /// <summary>Whether this Guard knows a kind of that name.</summary>
    public static bool IsKnown(string name) => Array.Exists(Enum.GetValues<PoolErrorKind>(), kind => kind.Name() == name);
}
