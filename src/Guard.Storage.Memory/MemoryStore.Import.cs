using Guard.Model.Stores;

namespace Guard.Storage.Memory;

internal sealed partial class MemoryStore
{
    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ImportOutcome>> ImportAsync(IReadOnlyList<ImportedActor> batch, CancellationToken cancellationToken)
    {
        var outcomes = new ImportOutcome[batch.Count];
        for (var i = 0; i < outcomes.Length; i++)
        {
            outcomes[i] = ImportOutcome.Of(batch[i], await CreateAsync(batch[i].Actor, cancellationToken));
        }

        return outcomes;
    }
}
