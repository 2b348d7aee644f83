namespace Guard.Core.State.Serverless;

/// <summary>An established connection: as long as it lasts its runner lives. Thread-safe.</summary>
/// <param name="init">What the runner said of itself.</param>
/// <param name="ended">Ends, without fault, when the stream does, whoever ended it.</param>
/// <param name="close">Closes it; may be called several times.</param>
internal sealed class ServerlessStream(ServerlessInit init, Task ended, Action close) : IDisposable
{
    private volatile bool _isClosed;

    public ServerlessInit Init { get; } = init;

    public Task Ended { get; } = ended;

    /// <summary>It has ended, and nobody here closed it before.</summary>
    public bool EndedByItself => Ended.IsCompleted && !_isClosed;

    public void Dispose()
    {
        _isClosed |= !Ended.IsCompleted;
        close();
    }
}
