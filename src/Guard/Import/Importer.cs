using System.Globalization;
using Guard.Core.Options;
using Guard.Model.Stores;

namespace Guard.Import;

/// <summary>What an import has come to so far.</summary>
/// <param name="Lines">Lines read, empty ones included.</param>
/// <param name="Existed">Were there already.</param>
/// <param name="Bad">Could not be brought in: not a valid actor, no such pool, or its key or id belongs to another.</param>
internal sealed record ImportTotals(long Lines, long Created, long Existed, long Bad)
{
    public static readonly ImportTotals None = new(0, 0, 0, 0);
}

/// <summary>Told of an import as it goes on. Called by one thread at a time.</summary>
internal interface IImportObserver
{
    /// <summary>A line that was not brought in; the import goes on.</summary>
    void BadLine(long line, string reason);

    /// <summary>A batch is in the store.</summary>
    /// <param name="totals">So far.</param>
    /// <param name="end">Bytes of the input that are done with.</param>
    void BatchDone(ImportTotals totals, long end);

    /// <summary>A batch failed and is tried again.</summary>
    void Retrying(string reason, TimeSpan delay);
}

/// <summary>
/// Brings the actors of a file in, batch by batch in the order of the lines: of at most <c>Import:BatchSize</c> lines and a few MiB, so
/// that memory stays bounded. A batch that fails or takes longer than <c>Import:BatchTimeout</c> is tried again, for each actor is
/// written once however often. Thread-safe; one call per import.
/// </summary>
internal sealed class Importer(IActorImportStore store, LiveOptions options, TimeProvider time)
{
    /// <summary>Bytes of lines that end a batch: what Redis can take within one call's deadline.</summary>
    public const int MaxBatchBytes = 4 * 1_048_576;

    /// <summary>Reads to the end. Throws <see cref="StoreException"/> when a batch did not get through; what
    /// <see cref="IImportObserver.BatchDone"/> told of stays.</summary>
    public async Task<ImportTotals> RunAsync(
        ImportLines lines, ImportScope scope, ImportTotals totals, IImportObserver observer, CancellationToken cancellationToken)
    {
        var batch = new Batch { End = lines.Offset };
        while (true)
        {
            var line = await lines.NextAsync(cancellationToken);
            if (line is { } read)
            {
                totals = Take(read, scope, batch, totals, observer);
            }

            if (line is null || batch.Lines >= options.Current.Import.BatchSize || batch.Bytes >= MaxBatchBytes)
            {
                totals = await WriteAsync(batch, totals, observer, cancellationToken);
                observer.BatchDone(totals, batch.End);
                batch = new Batch { End = batch.End };
            }

            if (line is null)
            {
                return totals;
            }
        }
    }

    private ImportTotals Take(ImportLine line, ImportScope scope, Batch batch, ImportTotals totals, IImportObserver observer)
    {
        totals = totals with { Lines = totals.Lines + 1 };
        batch.Lines++;
        batch.Bytes += line.Text?.Length ?? 0;
        batch.End = line.End;
        if (line.Text is { Length: 0 })
        {
            return totals;
        }

        var (actor, problem) = line.Text is null
            ? (default, string.Create(CultureInfo.InvariantCulture, $"longer than {ImportLines.MaxBytes} bytes"))
            : ImportInput.Read(line.Text, scope, options.Current.Datacenter);
        if (problem is not null)
        {
            observer.BadLine(line.Number, problem);
            return totals with { Bad = totals.Bad + 1 };
        }

        batch.Actors.Add(actor);
        batch.Numbers.Add(line.Number);
        return totals;
    }

    private async Task<ImportTotals> WriteAsync(Batch batch, ImportTotals totals, IImportObserver observer, CancellationToken cancellationToken)
    {
        var outcomes = batch.Actors.Count == 0 ? [] : await TryAsync(batch.Actors, observer, cancellationToken);
        for (var i = 0; i < outcomes.Count; i++)
        {
            totals = outcomes[i].Status switch
            {
                ImportStatus.Created => totals with { Created = totals.Created + 1 },
                ImportStatus.Exists => totals with { Existed = totals.Existed + 1 },
                _ => totals with { Bad = totals.Bad + 1 },
            };
            if (Problem(batch.Actors[i], outcomes[i]) is { } problem)
            {
                observer.BadLine(batch.Numbers[i], problem);
            }
        }

        return totals;
    }

    private static string? Problem(ImportedActor imported, ImportOutcome outcome) => outcome switch
    {
        { Status: ImportStatus.NoPool } => $"runner_name_selector: the pool {imported.Actor.Pool} has no runner-config",
        { Status: ImportStatus.Conflict, Holder: { } holder } => $"key: belongs to actor {holder}",
        { Status: ImportStatus.Conflict } => "actor_id: belongs to an actor of another name, key or pool, or to one that was destroyed",
        _ => null,
    };

    private async Task<IReadOnlyList<ImportOutcome>> TryAsync(
        List<ImportedActor> batch, IImportObserver observer, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var current = options.Current;
            using var limit = new CancellationTokenSource(current.Import.BatchTimeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            string reason;
            Exception? cause;
            var kind = StoreFailure.Away;
            try
            {
                return await store.ImportAsync(batch, either.Token);
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                (reason, cause) = ($"a batch took longer than Guard:Import:BatchTimeout ({current.Import.BatchTimeout})", null);
            }
            catch (StoreException e)
            {
                (kind, reason, cause) = (e.Kind, e.Message, e.InnerException);
            }

            if (attempt >= current.Retry.MaxAttempts)
            {
                throw new StoreException(kind, $"{reason}; tried {attempt} times", cause);
            }

            var delay = Delay(current.Retry, attempt);
            observer.Retrying(reason, delay);
            await Task.Delay(delay, time, cancellationToken);
        }
    }

    /// <summary>A quarter of <c>Retry:MaxDelay</c>, half, then all of it: an import is in no hurry, and a store that restarts needs seconds.</summary>
    private static TimeSpan Delay(RetryOptions retry, int attempt) => retry.MaxDelay / Math.Pow(2, Math.Max(0, 3 - attempt));

    private sealed class Batch
    {
        public List<ImportedActor> Actors { get; } = [];

        /// <summary>The lines of <see cref="Actors"/>.</summary>
        public List<long> Numbers { get; } = [];

        /// <summary>Lines taken, bad and empty ones included.</summary>
        public int Lines { get; set; }

        public long Bytes { get; set; }

        /// <summary>Of the input, up to and with the last line.</summary>
        public long End { get; set; }
    }
}
