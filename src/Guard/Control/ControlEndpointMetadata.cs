namespace Guard.Control;

/// <summary>A query parameter a call takes: the gate refuses others, and the OpenAPI document lists it.</summary>
/// <param name="Name">As in the query.</param>
/// <param name="Description">For the document.</param>
/// <param name="Required">For the document; the handler enforces it.</param>
internal sealed record QueryParameter(string Name, string Description, bool Required = false)
{
    public static readonly QueryParameter Namespace = new("namespace", "The namespace, an RFC 1123 label.", Required: true);
    public static readonly QueryParameter Limit = new("limit", "Most entries of the page, 1 to 1000; 100 when absent.");
    public static readonly QueryParameter Cursor = new("cursor", "pagination.cursor of the page before.");
}

/// <summary>Marks a call that tokens of <c>Control:RunnerTokens</c> may make.</summary>
internal sealed class RunnerCall
{
    public static readonly RunnerCall Instance = new();

    private RunnerCall()
    {
    }
}

/// <summary>Marks a call that changes something although its method says otherwise: tokens of <c>Control:ReadTokens</c> may not make it.</summary>
internal sealed class ChangingCall
{
    public static readonly ChangingCall Instance = new();

    private ChangingCall()
    {
    }
}

/// <summary>How the endpoints of this API are described, in one vocabulary for the gate, the reader and the OpenAPI document.</summary>
internal static class ControlEndpointConventions
{
    public const string AnyContentType = "*/*";

    public static RouteHandlerBuilder TakesQuery(this RouteHandlerBuilder builder, params QueryParameter[] parameters)
        => builder.WithMetadata(parameters);

    /// <summary>The body, for the OpenAPI document. Routing is to let every content type through: the reader refuses the others, with a
    /// reason, where routing would act as if there were no such call.</summary>
    public static RouteHandlerBuilder TakesBody<T>(this RouteHandlerBuilder builder)
        where T : notnull
        => builder.Accepts<T>("application/json", AnyContentType);

    /// <summary>The reply of a success, and the statuses of the refusals the call has of its own.</summary>
    public static RouteHandlerBuilder Answers<T>(this RouteHandlerBuilder builder, params int[] refusals)
    {
        builder.Produces<T>();
        foreach (var status in refusals.Append(StatusCodes.Status400BadRequest).Append(StatusCodes.Status401Unauthorized)
                     .Append(StatusCodes.Status503ServiceUnavailable))
        {
            builder.Produces<Shapes.ErrorShape>(status);
        }

        return builder;
    }

    public static RouteHandlerBuilder ForRunners(this RouteHandlerBuilder builder) => builder.WithMetadata(RunnerCall.Instance);
}
