namespace Guard.Demo;

/// <summary>One generation of an actor on the demo's runner. Thread-safe.</summary>
internal sealed class EchoActor : IDisposable
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _lastUsed;
    private int _requests;
    private bool _stopped;

    public EchoActor(StartRequest start, TimeProvider time)
    {
        _time = time;
        _lastUsed = time.GetTimestamp();
        Id = start.ActorId;
        Generation = start.Generation;
        Key = start.Key;
        Stopping = _stopping.Token;
    }

    public string Id { get; }

    public long Generation { get; }

    public string? Key { get; }

    /// <summary>Ends long streams: WebSockets close 1001, event streams end. Can be used after <see cref="Dispose"/>.</summary>
    public CancellationToken Stopping { get; }

    /// <summary>How long no request has been in it; zero while one is.</summary>
    public TimeSpan IdleFor
    {
        get
        {
            lock (_lock)
            {
                return _requests > 0 ? TimeSpan.Zero : _time.GetElapsedTime(_lastUsed);
            }
        }
    }

    /// <summary>Lets a request in; false once the actor stops. Each true is owed one <see cref="Leave"/>.</summary>
    public bool TryEnter()
    {
        lock (_lock)
        {
            if (_stopped)
            {
                return false;
            }

            _requests++;
            return true;
        }
    }

    public void Leave()
    {
        bool drained;
        lock (_lock)
        {
            _requests--;
            _lastUsed = _time.GetTimestamp();
            drained = _stopped && _requests == 0;
        }

        if (drained)
        {
            _drained.TrySetResult();
        }
    }

    /// <summary>Lets nobody in any more, ends the streams, and waits for the requests that are inside, at most
    /// <paramref name="grace"/>.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        bool drained;
        lock (_lock)
        {
            _stopped = true;
            drained = _requests == 0;
        }

        await _stopping.CancelAsync();
        if (!drained)
        {
            await Task.WhenAny(_drained.Task, Task.Delay(grace, _time));
        }
    }

    public void Dispose() => _stopping.Dispose();
}
