using Guard.Control.Shapes;
using Guard.Core.Errors;
using Guard.Import;
using Guard.Model.Stores;
using Microsoft.AspNetCore.Http.Features;

namespace Guard.Control;

/// <summary>Brings actors of another system in: a body of NDJSON, read as it arrives. Thread-safe.</summary>
internal sealed class ImportEndpoints(Importer importer, IPoolStore pools, TimeProvider time)
{
    /// <summary>Bad lines a reply lists; all are counted.</summary>
    private const int MaxErrors = 100;

    public void Map(IEndpointRouteBuilder api)
        => api.MapPost("/imports", ImportAsync)
            .WithSummary("Creates the actors of an NDJSON body, one per line, that are not there yet; repeating it changes nothing")
            .TakesQuery(QueryParameter.Namespace)
            .Accepts<ImportLineShape>("application/x-ndjson", ControlEndpointConventions.AnyContentType)
            .Answers<ImportReply>();

    private async Task<IResult> ImportAsync(ControlCall call, HttpContext context)
    {
        var @namespace = call.Namespace();
        if (call.Error is { } error)
        {
            return ControlResult.Error(error);
        }

        if (!await pools.NamespaceExistsAsync(@namespace, call.Cancelled))
        {
            return ControlResult.Error(GuardErrors.NamespaceNotFound(@namespace));
        }

        // As long as it is: never more than a batch and a line of it are in memory.
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
        var observer = new ReplyObserver();
        var since = time.GetTimestamp();
        string? stopped = null;
        try
        {
            await importer.RunAsync(
                new ImportLines(context.Request.BodyReader, 0, 0), new(@namespace, MayBeNamed: false), ImportTotals.None, observer, call.Cancelled);
        }
        catch (StoreException e)
        {
            // What is in stays, so the numbers are worth more than an error.
            stopped = e.Message;
        }

        var totals = observer.Totals;
        var seconds = Math.Round(time.GetElapsedTime(since).TotalSeconds, 3);
        var reply = new ImportReply(totals.Lines, totals.Created, totals.Existed, totals.Bad, observer.Errors, stopped is null, seconds)
        {
            StoppedBecause = stopped,
        };
        return ControlResult.Ok(reply, ControlJson.Default.ImportReply);
    }

    private sealed class ReplyObserver : IImportObserver
    {
        public List<ImportErrorShape> Errors { get; } = [];

        public ImportTotals Totals { get; private set; } = ImportTotals.None;

        public void BadLine(long line, string reason)
        {
            if (Errors.Count < MaxErrors)
            {
                Errors.Add(new(line, reason));
            }
        }

        public void BatchDone(ImportTotals totals, long end) => Totals = totals;

        public void Retrying(string reason, TimeSpan delay)
        {
        }
    }
}
