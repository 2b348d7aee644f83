using System.Text.Json;
using System.Text.Json.Serialization;
using Guard.Control.Input;
using Guard.Control.Shapes;
using Guard.Core.Diagnostics;
using Guard.Model.Pools;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Guard.Control;

/// <summary>The OpenAPI document of the control API, made from the same metadata that the gate and the readers use.</summary>
internal static class ControlOpenApi
{
    private const string Bearer = "bearer";

    private const string ActorErrorForms =
        "A text, no_capacity or internal_error, or an object with one member: runner_no_response, runner_connection_lost or runner_draining_timeout "
        + "{runner_id}, crashed {message}, or runner_pool_error with a pool error.";

    public static void AddControlOpenApi(this IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ControlJson.Default);
            json.SerializerOptions.TypeInfoResolverChain.Insert(1, InputJson.Default);
        });
        services.AddOpenApi(options =>
        {
            options.AddDocumentTransformer((document, _, _) =>
            {
                Describe(document);
                return Task.CompletedTask;
            });
            options.AddSchemaTransformer((schema, context, _) =>
            {
                // Written by converters, which tell the document nothing.
                schema.Description = context.JsonTypeInfo.Type switch
                {
                    var type when type == typeof(PoolError) => $"A {ShapeReader.PoolErrorForms}.",
                    var type when type == typeof(ActorErrorShape) => ActorErrorForms,
                    _ => schema.Description,
                };
                if (context.JsonPropertyInfo is { } property)
                {
                    RuleAttribute.Of(property)?.Describe(schema);
                }

                return Task.CompletedTask;
            });
            options.AddOperationTransformer((operation, context, _) =>
            {
                Complete(operation, context);
                return Task.CompletedTask;
            });
        });
    }

    private static void Describe(OpenApiDocument document)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Guard control API",
            Version = BuildInfo.Version,
            Description = "Times are Unix milliseconds. Unknown fields and query parameters are refused; replies may grow.",
        };
        document.Servers = [];
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [Bearer] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = Bearer,
                Description = "Control:Token, or one of Control:RunnerTokens for the calls of runners. Not needed where Control:Token is not set.",
            },
        };
        document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Bearer, document)] = [] }];
    }

    private static void Complete(OpenApiOperation operation, OpenApiOperationTransformerContext context)
    {
        operation.RequestBody?.Content?.Remove(ControlEndpointConventions.AnyContentType);
        foreach (var parameter in context.Description.ActionDescriptor.EndpointMetadata.OfType<QueryParameter>())
        {
            operation.Parameters ??= [];
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = parameter.Name,
                In = ParameterLocation.Query,
                Description = parameter.Description,
                Required = parameter.Required,
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            });
        }
    }
}
