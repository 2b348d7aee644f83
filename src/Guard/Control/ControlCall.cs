using System.Text.Json.Serialization.Metadata;
using Guard.Control.Input;
using Guard.Control.Shapes;
using Guard.Core.Errors;
using Guard.Model.Stores;
using Microsoft.AspNetCore.Http.Metadata;

namespace Guard.Control;

/// <summary>One call of the control API: its query, its body and what is wrong with them. Used by one request.</summary>
internal sealed class ControlCall(HttpContext context)
{
    public InputErrors Errors { get; } = new();

    public QueryInput Query => field ??= new QueryInput(
        context.Request.QueryString.Value,
        [.. context.GetEndpoint()!.Metadata.OfType<QueryParameter>().Select(p => p.Name)],
        Errors);

    public CancellationToken Cancelled => context.RequestAborted;

    /// <summary>Null while nothing is wrong.</summary>
    public GuardError? Error => Errors.First;

    /// <summary>Gives a handler the call that the gate made, with its query read and a body refused where the call takes none.</summary>
    public static async ValueTask<ControlCall?> BindAsync(HttpContext context)
    {
        var call = context.Features.Get<ControlCall>()!;
        _ = call.Query;
        if (context.GetEndpoint()!.Metadata.GetMetadata<IAcceptsMetadata>() is null && JsonBody.IsPresent(context))
        {
            // Many clients send {} with every POST.
            await call.ReadAsync(InputJson.Default.EmptyShape);
        }

        return call;
    }

    public string Namespace() => Query.Text(QueryParameter.Namespace.Name, TextRule.Label);

    public int Limit() => Query.Integer(QueryParameter.Limit.Name, 1, 1000, 100);

    public string? Cursor() => Query.OptionalText(QueryParameter.Cursor.Name, TextRule.Cursor);

    /// <summary>A part of the path that must follow a rule; errors name it as <paramref name="name"/>.</summary>
    public string PathPart(string name, string value, TextRule rule)
    {
        if (!rule.Accepts(value))
        {
            Errors.Add(name, rule.Allowed);
        }

        return value;
    }

    /// <summary>The body the call must carry; null after an error.</summary>
    /// <param name="type">From <see cref="InputJson"/>.</param>
    /// <param name="isReport">It quotes what others said: it may be long, and its texts are repaired instead of refused.</param>
    public async ValueTask<T?> ReadAsync<T>(JsonTypeInfo<T> type, bool isReport = false)
        where T : class
    {
        if (Error is not null || await JsonBody.ReadAsync(context, isReport ? JsonBody.MaxReportBytes : JsonBody.MaxBytes, Errors) is not { } json)
        {
            return null;
        }

        if (isReport)
        {
            ReportText.Repair(json);
        }

        return ShapeReader.Read(json, type, Errors);
    }

    /// <summary>Reads a page; a cursor that the list did not issue is an error of the call.</summary>
    public async ValueTask<Page<T>> ReadPageAsync<T>(Func<CancellationToken, ValueTask<Page<T>>> list)
    {
        try
        {
            return await list(Cancelled);
        }
        catch (FormatException) when (Query.Has(QueryParameter.Cursor.Name))
        {
            Errors.Add(QueryParameter.Cursor.Name, $"{TextRule.Cursor.Allowed}, of the same list");
            return new Page<T>([], null);
        }
    }
}
