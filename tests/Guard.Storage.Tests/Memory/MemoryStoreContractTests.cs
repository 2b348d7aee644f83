using Guard.Storage.Tests.Contracts;

namespace Guard.Storage.Tests.Memory;

public sealed class MemoryActorStoreTests : ActorStoreContract
{
    private protected override StoreFixture NewStore() => new MemoryStoreFixture();
}

public sealed class MemoryRunnerStoreTests : RunnerStoreContract
{
    private protected override StoreFixture NewStore() => new MemoryStoreFixture();
}

public sealed class MemoryPoolStoreTests : PoolStoreContract
{
    private protected override StoreFixture NewStore() => new MemoryStoreFixture();
}

public sealed class MemoryUpkeepStoreTests : UpkeepStoreContract
{
    private protected override StoreFixture NewStore() => new MemoryStoreFixture();
}

public sealed class MemoryImportStoreTests : ImportStoreContract
{
    private protected override StoreFixture NewStore() => new MemoryStoreFixture();
}

public sealed class MemoryServerlessStoreTests : ServerlessStoreContract
{
    private protected override StoreFixture NewStore() => new MemoryStoreFixture();
}
