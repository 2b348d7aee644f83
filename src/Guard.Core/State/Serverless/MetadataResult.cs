namespace Guard.Core.State.Serverless;

/// <summary>Why an endpoint's metadata could not be read; the names are those of the health check in docs/control-api.md.</summary>
internal enum MetadataFault
{
    InvalidRequest,
    RequestFailed,
    RequestTimedOut,
    NonSuccessStatus,
    InvalidResponseJson,
    InvalidResponseSchema,
}

/// <summary>What <c>GET {url}/metadata</c> said: exactly one of version and fault is set.</summary>
/// <param name="Version">The version that new runners of the endpoint have.</param>
/// <param name="Fault">What went wrong.</param>
/// <param name="Message">The fault in words, without anything secret; null with a version.</param>
internal readonly record struct MetadataResult(int? Version, MetadataFault? Fault = null, string? Message = null);

/// <summary>Reads an endpoint's metadata. Bounded in time and size; never throws but for the caller's own cancellation.</summary>
internal delegate Task<MetadataResult> ServerlessMetadata(string url, IReadOnlyDictionary<string, string> headers, CancellationToken cancellationToken);
