using CsCheck;

namespace Guard.Storage.Tests.Contracts;

public abstract partial class ActorStoreContract
{
    /// <summary>How many random sequences of 100 operations a run tries; fewer where a call costs a round trip.</summary>
    private protected virtual int RandomSequences => 200;

    [Fact]
    public async Task RandomOperations_OneAfterAnother_SlotsMatchActorsAfterEach()
    {
        await StoreOperation.Any.Array[100].SampleAsync(
            async operations =>
            {
                await using var store = NewStore();
                var exercise = new StoreExercise(store, Ct);
                await exercise.PrepareAsync();
                foreach (var operation in operations)
                {
                    if (operation.Kind == StoreOperationKind.Begin)
                    {
                        await exercise.CheckBeginAsync(operation.Subject);
                    }
                    else
                    {
                        await exercise.RunAsync(operation);
                    }

                    await exercise.CheckAsync();
                }
            },
            iter: RandomSequences,
            threads: 1);
    }

    [Fact]
    public async Task RandomOperations_AtOnce_SlotsMatchActorsInTheEnd()
    {
        await StoreOperation.Any.Array[100].Array[8].SampleAsync(
            async workers =>
            {
                await using var store = NewStore();
                var exercise = new StoreExercise(store, Ct);
                await exercise.PrepareAsync();
                await RaceAsync(workers.Length, async i =>
                {
                    foreach (var operation in workers[i])
                    {
                        await exercise.RunAsync(operation);
                    }

                    return true;
                });
                await exercise.CheckAsync();
            },
            iter: Math.Max(1, RandomSequences / 10),
            threads: 1);
    }
}
