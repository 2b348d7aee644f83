using Guard.Core.State.Serverless;

namespace Guard.Core.Tests.State.Serverless;

/// <summary>An endpoint whose connects the test answers, one by one, when it likes. Thread-safe.</summary>
internal sealed class ScriptedEndpoint
{
    private readonly Lock _gate = new();
    private readonly List<ScriptedConnect> _connects = [];
    private int _metadataReads;

    /// <summary>Answers each connect as it comes; null leaves it to the test.</summary>
    public Func<ScriptedConnect, ConnectResult?>? Answer { get; set; }

    public IReadOnlyList<ScriptedConnect> Connects
    {
        get
        {
            lock (_gate)
            {
                return [.. _connects];
            }
        }
    }

    /// <summary>Streams that are open.</summary>
    public int Open => Connects.Count(c => c is { IsEstablished: true, HasEnded: false });

    /// <summary>What its metadata says.</summary>
    public MetadataResult Metadata { get; set; } = new(1);

    public int MetadataReads => Volatile.Read(ref _metadataReads);

    public Task<MetadataResult> ReadMetadataAsync(string url, IReadOnlyDictionary<string, string> headers, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _metadataReads);
        return Task.FromResult(Metadata);
    }

    public Task<ConnectResult> ConnectAsync(ServerlessTarget target, CancellationToken cancellationToken)
    {
        var connect = new ScriptedConnect(target, cancellationToken);
        lock (_gate)
        {
            _connects.Add(connect);
        }

        if (Answer?.Invoke(connect) is { } result)
        {
            connect.Complete(result);
        }

        return connect.Task;
    }
}

/// <summary>One connect, and the stream that came of it.</summary>
internal sealed class ScriptedConnect
{
    private readonly TaskCompletionSource<ConnectResult> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ScriptedConnect(ServerlessTarget target, CancellationToken cancellationToken)
    {
        Target = target;
        cancellationToken.UnsafeRegister(static self => ((ScriptedConnect)self!)._result.TrySetCanceled(), this);
    }

    public ServerlessTarget Target { get; }

    public Task<ConnectResult> Task => _result.Task;

    public bool IsEstablished => Task is { IsCompletedSuccessfully: true, Result.Stream: not null };

    public bool IsCancelled => Task.IsCanceled;

    public bool HasEnded => _ended.Task.IsCompleted;

    public void Complete(ConnectResult result) => _result.TrySetResult(result);

    /// <summary>An init, and a stream that stays open until <see cref="End"/> or until it is closed.</summary>
    public ConnectResult Init(int version = 1, int? slots = null, string? key = null, bool routed = false)
        => new ServerlessStream(
            new(version, Target.Config.Url, slots ?? Target.Config.SlotsPerRunner, key, routed), _ended.Task, () => _ended.TrySetResult());

    /// <summary>The other side ends the stream.</summary>
    public void End() => _ended.TrySetResult();
}
