using CsCheck;

namespace Guard.Storage.Tests.Contracts;

internal enum StoreOperationKind
{
    Create,
    Begin,
    TakeOver,
    CommitReady,
    StartFailed,
    Disowned,
    Stopped,
    Event,
    Destroy,
    Register,
    Heartbeat,
    Drain,
    DeleteRunner,
    Advance,
    Sweep,
    Evict,
}

/// <summary>A random call: what its numbers mean depends on the kind and on what there is when it runs.</summary>
internal readonly record struct StoreOperation(StoreOperationKind Kind, int Subject, int Choice, int Amount)
{
    /// <summary>Starts, commits and events come often; loss and deletion seldom, so that there is something to lose.</summary>
    public static readonly Gen<StoreOperation> Any = Gen.Select(
        Gen.Frequency(
            (3, Gen.Const(StoreOperationKind.Create)),
            (8, Gen.Const(StoreOperationKind.Begin)),
            (2, Gen.Const(StoreOperationKind.TakeOver)),
            (4, Gen.Const(StoreOperationKind.CommitReady)),
            (2, Gen.Const(StoreOperationKind.StartFailed)),
            (1, Gen.Const(StoreOperationKind.Disowned)),
            (6, Gen.Const(StoreOperationKind.Event)),
            (1, Gen.Const(StoreOperationKind.Destroy)),
            (4, Gen.Const(StoreOperationKind.Register)),
            (4, Gen.Const(StoreOperationKind.Heartbeat)),
            (1, Gen.Const(StoreOperationKind.Drain)),
            (1, Gen.Const(StoreOperationKind.DeleteRunner)),
            (2, Gen.Const(StoreOperationKind.Advance)),
            (1, Gen.Const(StoreOperationKind.Sweep)),
            (2, Gen.Const(StoreOperationKind.Evict)),
            (2, Gen.Const(StoreOperationKind.Stopped))),
        Gen.Int[0, 1000],
        Gen.Int[0, 1000],
        Gen.Int[0, 5],
        (kind, subject, choice, amount) => new StoreOperation(kind, subject, choice, amount));
}
