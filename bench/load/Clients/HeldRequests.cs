using System.Net.Sockets;

namespace Guard.Load.Clients;

/// <summary>Many requests that are all sent before any is answered, each answer timed on arrival. Thread-safe counting.</summary>
internal abstract class HeldRequests : IDisposable
{
    private readonly List<Socket> _sockets = [];
    private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long[] _answered;
    private int _count;
    private int _unexpected;

    protected HeldRequests(int requests) => _answered = new long[requests];

    /// <summary>Completes when every request has its answer; fails when a connection breaks.</summary>
    public Task AllAnswered => _all.Task;

    protected int Requests => _answered.Length;

    public int Answered => Volatile.Read(ref _count);

    /// <summary>Answers without the text the caller expected.</summary>
    public int Unexpected => Volatile.Read(ref _unexpected);

    /// <summary>Times from <paramref name="since"/> to each answer, in microseconds, ascending.</summary>
    public double[] TimesSince(long since)
    {
        var times = _answered.Take(Answered).Select(at => TimeProvider.System.GetElapsedTime(since, at).TotalMicroseconds).ToArray();
        Array.Sort(times);
        return times;
    }

    public void Dispose()
    {
        lock (_sockets)
        {
            _sockets.ForEach(s => s.Dispose());
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the connections and sends the requests; returns when all are sent.</summary>
    /// <param name="port">On loopback.</param>
    /// <param name="pathOf">Path and query of request i.</param>
    /// <param name="expected">Part of every expected answer.</param>
    /// <param name="cancellationToken">Ends the sending.</param>
    public abstract Task SendAsync(int port, Func<int, string> pathOf, string expected, CancellationToken cancellationToken);

    protected async Task<Socket> ConnectAsync(int port, CancellationToken cancellationToken)
    {
        var socket = await RawHttp.ConnectAsync(port, cancellationToken);
        lock (_sockets)
        {
            _sockets.Add(socket);
        }

        return socket;
    }

    protected void OneAnswered(bool expected)
    {
        if (!expected)
        {
            Interlocked.Increment(ref _unexpected);
        }

        var index = Interlocked.Increment(ref _count) - 1;
        _answered[index] = TimeProvider.System.GetTimestamp();
        if (index == _answered.Length - 1)
        {
            _all.TrySetResult();
        }
    }

    protected void Broke(Exception exception) => _all.TrySetException(exception);
}
