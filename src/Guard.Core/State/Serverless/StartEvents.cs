using System.Net.ServerSentEvents;

namespace Guard.Core.State.Serverless;

/// <summary>The events of a start call's reply. Used by one reader at a time.</summary>
internal sealed class StartEvents : IAsyncDisposable
{
    /// <summary>Of one event with all its lines. An init is some hundred bytes.</summary>
    public const int MaxEventBytes = 64 * 1024;

    private const string Ping = "ping";

    private readonly Stream _stream;
    private readonly EventLines _lines;
    private readonly CancellationToken _life;
    private readonly IAsyncEnumerator<SseItem<string>> _events;

    public StartEvents(Stream stream, CancellationToken life)
    {
        _stream = stream;
        _life = life;
        _lines = new EventLines(stream, MaxEventBytes);
        _events = SseParser.Create(_lines).EnumerateAsync(life).GetAsyncEnumerator(life);
    }

    /// <summary>The data of the next event that is not a ping, whatever its type; null at the end. Throws
    /// <see cref="EventTooLongException"/>, after which only <see cref="DrainAsync"/> may be called.</summary>
    public async ValueTask<string?> NextAsync()
    {
        while (await _events.MoveNextAsync())
        {
            if (!_lines.NextIsTyped() || _events.Current.EventType != Ping)
            {
                return _events.Current.Data;
            }
        }

        return null;
    }

    /// <summary>Reads to the end and keeps nothing.</summary>
    public async Task DrainAsync()
    {
        var nowhere = new byte[4096];
        while (await _stream.ReadAsync(nowhere, _life) > 0)
        {
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _events.DisposeAsync();
        await _lines.DisposeAsync();
    }
}
