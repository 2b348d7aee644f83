namespace Guard.Core.Options;

/// <summary>
/// The options in force: the last snapshot that validated. Read through one volatile read; published by one writer (the reload watcher).
/// </summary>
internal sealed class LiveOptions(GuardOptions initial)
{
    private volatile GuardOptions _current = initial;

    public GuardOptions Current => _current;

    /// <summary>Raised after <see cref="Current"/> changed, on the writer's thread.</summary>
    public event Action? Changed;

    public void Publish(GuardOptions options)
    {
        _current = options;
        Changed?.Invoke();
    }
}
