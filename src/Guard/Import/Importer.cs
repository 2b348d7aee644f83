using Guard.Core.Options;
using Guard.Core.Storage;

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
/// Brings the actors of a file in, batch by batch in the order of the lines. A batch that fails or takes longer than
/// <c>Import:BatchTimeout</c> is tried again, for each actor is written once however often. Thread-safe; one call per import.
/// </summary>
internal sealed class Importer(IActorImportStore store, LiveOptions options, TimeProvider time)
{
    /// <summary>Reads to the end. Throws <see cref="StoreUnavailableException"/> when a batch did not get through; what
    /// <see cref="IImportObserver.BatchDone"/> told of stays.</summary>
    public async Task<ImportTotals> RunAsync(
        ImportLines lines, string @namespace, ImportTotals totals, IImportObserver observer, CancellationToken cancellationToken)
    {
        var datacenter = options.Current.Datacenter;
        var batch = new List<ImportedActor>();
        var numbers = new List<long>();
        var end = 0L;
        while (true)
        {
            var line = await lines.NextAsync(cancellationToken);
            if (line is { } read)
            {
                totals = totals with { Lines = totals.Lines + 1 };
                if (read.Text is not { Length: 0 })
                {
                    var (actor, problem) = read.Text is null
                        ? (default, $"longer than {ImportLines.MaxBytes} bytes")
                        : ImportInput.Read(read.Text, @namespace, datacenter.Name, datacenter.Label);
                    if (problem is null)
                    {
                        batch.Add(actor);
                        numbers.Add(read.Number);
                    }
                    else
                    {
                        observer.BadLine(read.Number, problem);
                        totals = totals with { Bad = totals.Bad + 1 };
                    }
                }

                end = read.End;
            }

            if (batch.Count == options.Current.Import.BatchSize || line is null)
            {
                totals = await WriteAsync(batch, numbers, totals, observer, cancellationToken);
                observer.BatchDone(totals, end);
                batch.Clear();
                numbers.Clear();
            }

            if (line is null)
            {
                return totals;
            }
        }
    }

    private async Task<ImportTotals> WriteAsync(
        List<ImportedActor> batch, List<long> numbers, ImportTotals totals, IImportObserver observer, CancellationToken cancellationToken)
    {
        var outcomes = batch.Count == 0 ? [] : await TryAsync(batch, observer, cancellationToken);
        for (var i = 0; i < outcomes.Count; i++)
        {
            switch (outcomes[i].Status)
            {
                case ImportStatus.Created:
                    totals = totals with { Created = totals.Created + 1 };
                    continue;
                case ImportStatus.Exists:
                    totals = totals with { Existed = totals.Existed + 1 };
                    continue;
            }

            totals = totals with { Bad = totals.Bad + 1 };
            observer.BadLine(numbers[i], outcomes[i] switch
            {
                { Status: ImportStatus.NoPool } => $"runner_name_selector: pool '{batch[i].Actor.Pool.Name}' has no runner-config",
                { Holder: { } holder } => $"key: belongs to actor {holder}",
                _ => "actor_id: belongs to an actor of another pool, or to one that was destroyed",
            });
        }

        return totals;
    }

    private async Task<IReadOnlyList<ImportOutcome>> TryAsync(
        List<ImportedActor> batch, IImportObserver observer, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var current = options.Current;
            using var limit = new CancellationTokenSource(current.Import.BatchTimeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            string reason;
            try
            {
                return await store.ImportAsync(batch, either.Token);
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                reason = $"a batch took longer than Guard:Import:BatchTimeout ({current.Import.BatchTimeout})";
            }
            catch (StoreUnavailableException e)
            {
                reason = e.Message;
            }

            if (attempt >= current.Retry.MaxAttempts)
            {
                throw new StoreUnavailableException($"{reason}; tried {attempt} times");
            }

            var delay = RetryBackoff.Next(attempt - 1, current.Retry, TimeSpan.MaxValue, Random.Shared);
            observer.Retrying(reason, delay);
            await Task.Delay(delay, time, cancellationToken);
        }
    }
}
