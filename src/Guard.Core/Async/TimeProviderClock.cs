using Microsoft.Extensions.Internal;

namespace Guard.Core.Async;

/// <summary>Lets a <c>MemoryCache</c> expire its entries by Guard's clock.</summary>
internal sealed class TimeProviderClock(TimeProvider time) : ISystemClock
{
    public DateTimeOffset UtcNow => time.GetUtcNow();
}
