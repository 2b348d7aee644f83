using System.Text.Json.Serialization;
using Guard.Control.Input;
using Guard.Core.State.Serverless;

namespace Guard.Control.Shapes;

/// <summary>The body of <c>POST /runner-configs/serverless-health-check</c>. Any URL: that it cannot be called is an answer.</summary>
internal sealed record ServerlessCheckShape
{
    public required string Url { get; init; }

    [Headers]
    public IReadOnlyDictionary<string, string>? Headers { get; init; }
}

/// <summary>Exactly one of the two is there.</summary>
internal sealed record ServerlessCheckReply
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ServerlessVersionShape? Success { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ServerlessFailureShape? Failure { get; init; }

    public static ServerlessCheckReply Of(MetadataResult result) => result.Version is { } version
        ? new() { Success = new(version) }
        : new() { Failure = new(new(result.Message ?? "", new(KindOf(result.Fault)))) };

    private static string KindOf(MetadataFault? fault) => fault switch
    {
        MetadataFault.InvalidRequest => "invalid_request",
        MetadataFault.RequestTimedOut => "request_timed_out",
        MetadataFault.NonSuccessStatus => "non_success_status",
        MetadataFault.InvalidResponseJson => "invalid_response_json",
        MetadataFault.InvalidResponseSchema => "invalid_response_schema",
        _ => "request_failed",
    };
}

internal sealed record ServerlessVersionShape(int Version);

internal sealed record ServerlessFailureShape(ServerlessFaultShape Error);

/// <param name="Message">For people; nothing to be compared.</param>
/// <param name="Metadata">For programs.</param>
internal sealed record ServerlessFaultShape(string Message, ServerlessFaultKindShape Metadata);

/// <param name="Kind">invalid_request, request_failed, request_timed_out, non_success_status, invalid_response_json or invalid_response_schema.</param>
internal sealed record ServerlessFaultKindShape(string Kind);
