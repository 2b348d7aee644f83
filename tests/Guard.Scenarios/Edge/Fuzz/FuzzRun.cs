using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Guard.Scenarios.Edge.Wire;

namespace Guard.Scenarios.Edge.Fuzz;

/// <summary>
/// Sends mutated requests, a connection per seed and several connections at once, and says where the invariant did not hold: Guard refuses,
/// or the runner sees exactly the request that was sent, as <see cref="StrictHttp1"/> and <see cref="ForwardingModel"/> read it.
/// </summary>
internal sealed class FuzzRun(EdgeGuard edge)
{
    private readonly RequestMutator _mutator = new(edge.ActorId);
    private readonly ForwardingModel _model = new(edge.ActorId);
    private readonly ConcurrentDictionary<string, (int Seed, byte[] Sent, byte[]? Received)> _cases = new();

    private readonly ConcurrentBag<string> _unanswered = [];

    /// <summary>Requests sent, mutated or not, without the last word of each connection.</summary>
    public int Sent { get; private set; }

    public int Forwarded { get; private set; }

    public int RefusedStreams { get; private set; }

    public TimeSpan Elapsed { get; private set; }

    /// <summary>Sends what the seeds from <paramref name="first"/> make. Ends Guard's process to know that nothing is under way any more.</summary>
    /// <returns>The violations, each with its seed.</returns>
    public async Task<List<string>> RunAsync(int first, int connections, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        await Parallel.ForAsync(
            first,
            first + connections,
            new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = cancellationToken },
            async (seed, token) => await SendAsync(seed, token));
        Elapsed = TimeProvider.System.GetElapsedTime(started);
        await edge.Process.KillAsync(cancellationToken);
        await edge.Runner.DisposeAsync();
        return Judge();
    }

    private static IPAddress AddressOf(int seed)
        => new([127, (byte)(16 + (seed / 64_516 % 200)), (byte)(1 + (seed / 254 % 254)), (byte)(1 + (seed % 254))]);

    private async Task SendAsync(int seed, CancellationToken cancellationToken)
    {
        var bytes = _mutator.Make(seed);
        var requests = StrictHttp1.ReadAll(bytes, out var end, out _);
        var address = AddressOf(seed);
        await using var stream = await edge.ConnectAsync(cancellationToken, address);
        var cut = new Random(~seed).Next(3) == 0 ? new Random(seed).Next(bytes.Length) : 0;
        byte[]? received = null;
        try
        {
            if (cut > 0)
            {
                await stream.WriteAsync(bytes.AsMemory(0, cut), cancellationToken);
            }

            await stream.WriteAsync(bytes.AsMemory(cut), cancellationToken);
        }
        catch (IOException)
        {
            // Refused before all of it was sent.
        }

        // Where Guard waits, rightly, for the rest or for another request, the connection ends here.
        if (end == WireEnd.Invalid || (end == WireEnd.Clean && requests[^1].Values("connection").Contains("close", StringComparer.OrdinalIgnoreCase)))
        {
            try
            {
                received = await EdgeGuard.ReadToEndAsync(stream, cancellationToken);
            }
            catch (TimeoutException)
            {
                _unanswered.Add($"seed {seed}: neither answered to the end nor refused\n  sent {Show(bytes)}");
            }
        }

        _cases[address.ToString()] = (seed, bytes, received);
    }

    private List<string> Judge()
    {
        var violations = edge.Runner.Garbage.Select(g => $"the runner got no request: {Show(Encoding.Latin1.GetBytes(g))}").Concat(_unanswered).ToList();
        var seen = edge.Runner.Requests.Where(r => r.Target != "/warm-up").ToLookup(r => string.Join(" | ", r.Values("x-forwarded-for")));
        violations.AddRange(seen.Where(g => !_cases.ContainsKey(g.Key)).Select(g => $"a request of nobody: {g.Key} {g.First()}"));
        foreach (var (address, (seed, sent, received)) in _cases)
        {
            if (JudgeOne(IPAddress.Parse(address), sent, received, [.. seen[address]]) is { } problem)
            {
                violations.Add($"seed {seed}: {problem}\n  sent {Show(sent)}\n  received {Show(received ?? [])}");
            }
        }

        return violations;
    }

    private string? JudgeOne(IPAddress address, byte[] sent, byte[]? received, WireRequest[] seen)
    {
        var requests = StrictHttp1.ReadAll(sent, out var end, out var tail);
        Sent += requests.Count + (end == WireEnd.Clean ? -1 : 1);
        Forwarded += seen.Length;
        RefusedStreams += end == WireEnd.Invalid ? 1 : 0;
        return MatchInOrder(requests, tail, seen, address) ?? (received is null ? null : JudgeReplies(requests, end, received, seen));
    }

    /// <summary>Each request at the runner is one that was sent, in the same order; at most the last one may be torn.</summary>
    private string? MatchInOrder(List<WireRequest> requests, WireRequest? tail, WireRequest[] seen, IPAddress address)
    {
        var next = 0;
        foreach (var request in seen)
        {
            string? difference = "more requests than were sent";
            while (difference is not null && next < requests.Count)
            {
                difference = _model.Compare(requests[next++], request, address);
            }

            if (difference is not null && !(tail is not null && !request.IsComplete && _model.Compare(tail, request, address) is null))
            {
                return $"{difference}: {request.Method} {request.Target} {string.Join(", ", request.Headers)}";
            }
        }

        return null;
    }

    private static string? JudgeReplies(List<WireRequest> requests, WireEnd end, byte[] received, WireRequest[] seen)
    {
        if (requests.Any(r => r.Method == "HEAD"))
        {
            return null;
        }

        if (!StrictHttp1.TryReadReplies(received, out var replies))
        {
            return "a reply that is none";
        }

        replies.RemoveAll(r => r.Status == 100);
        var delivered = replies.Count(r => r.Status == 200 && r.Values("x-seen").Length == 1);
        var whole = seen.Count(r => r.IsComplete);
        return replies.Count > requests.Count + (end == WireEnd.Invalid ? 1 : 0) ? "more replies than requests"
            : end == WireEnd.Invalid && replies.Count > requests.Count && replies[^1].Status < 400 ? "the broken request was answered"
            : delivered > whole ? "a reply without a request"
            : null;
    }

    private static string Show(byte[] bytes)
        => string.Concat(Encoding.Latin1.GetString(bytes).Select(c => c switch
        {
            '\r' => "\\r",
            '\n' => "\\n",
            >= ' ' and <= '~' => c.ToString(),
            _ => $"\\x{(int)c:x2}",
        }));
}
