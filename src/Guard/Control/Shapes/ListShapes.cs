using System.Text.Json.Serialization;

namespace Guard.Control.Shapes;

/// <param name="Cursor">Where the next page starts; null on the last one.</param>
internal sealed record PaginationShape(string? Cursor);

/// <summary>The reply of calls that have nothing to tell: <c>{}</c>.</summary>
internal sealed record EmptyShape
{
    public static readonly EmptyShape Instance = new();
}

/// <summary>Describes error replies in the OpenAPI document; the error writer has its own form.</summary>
internal sealed record ErrorShape
{
    public required string Group { get; init; }

    public required string Code { get; init; }

    public required string Message { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ErrorMetadataShape? Metadata { get; init; }
}

/// <summary>The members of <c>metadata</c> that errors of this API use.</summary>
internal sealed record ErrorMetadataShape
{
    /// <summary>The JSON path, parameter or header at fault.</summary>
    public string? Name { get; init; }

    /// <summary>What is allowed.</summary>
    public string? Detail { get; init; }

    public string? Namespace { get; init; }

    public string? Pool { get; init; }

    public string? ActorId { get; init; }

    public long? WaitedMs { get; init; }

    public long? RetryAfterMs { get; init; }
}
