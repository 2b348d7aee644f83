using System.Net.Sockets;
using System.Text;

namespace Guard.Tests.Forwarding;

/// <summary>A client made of a bare socket. Every wait is bounded.</summary>
internal sealed class RawClient(Socket socket) : IDisposable
{
    private readonly StringBuilder _received = new();

    public void Dispose() => socket.Dispose();

    public Task SendAsync(string latin1) => socket.SendAsync(Encoding.Latin1.GetBytes(latin1), SocketFlags.None);

    /// <summary>Everything up to and including <paramref name="end"/>.</summary>
    public async Task<string> ReadUntilAsync(string end)
    {
        while (true)
        {
            var text = _received.ToString();
            var at = text.IndexOf(end, StringComparison.Ordinal);
            if (at >= 0)
            {
                _received.Remove(0, at + end.Length);
                return text[..(at + end.Length)];
            }

            if (await FillAsync() == 0)
            {
                throw new EndOfStreamException($"got only: {text}");
            }
        }
    }

    /// <summary>Everything until the other side ends the connection; Reset when it did so by RST.</summary>
    public async Task<(string Text, bool Reset)> ReadToEndAsync()
    {
        try
        {
            while (await FillAsync() > 0)
            {
            }

            return (_received.ToString(), false);
        }
        catch (SocketException)
        {
            return (_received.ToString(), true);
        }
    }

    private async Task<int> FillAsync()
    {
        var buffer = new byte[16 * 1024];
        var count = await socket.ReceiveAsync(buffer, SocketFlags.None, TestContext.Current.CancellationToken)
            .AsTask().WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        _received.Append(Encoding.Latin1.GetString(buffer, 0, count));
        return count;
    }
}
