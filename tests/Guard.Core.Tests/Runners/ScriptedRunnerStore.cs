using System.Threading.Channels;
using Guard.Core.Runners;
using Guard.Core.Storage;

namespace Guard.Core.Tests.Runners;

/// <summary>Answers sweeps as told and shows what each asked for; nothing else may be called.</summary>
internal sealed class ScriptedRunnerStore : IRunnerStore
{
    private readonly Channel<TimeSpan> _looks = Channel.CreateUnbounded<TimeSpan>();

    public volatile bool Fails;
    public volatile bool Bug;

    /// <summary>Handed out once.</summary>
    public IReadOnlyList<RunnerRecord> Lost { get; set; } = [];

    public async Task<TimeSpan> NextLookAsync(CancellationToken ct)
        => await _looks.Reader.ReadAsync(ct).AsTask().WaitAsync(TimeSpan.FromSeconds(10), ct);

    public async ValueTask<IReadOnlyList<RunnerRecord>> SweepLostAsync(TimeSpan lostAfter, CancellationToken cancellationToken)
    {
        await Task.Yield();

        // Decided before the look is shown: what the test changes then is for the next one.
        var (fails, bug, lost) = (Fails, Bug, Lost);
        Lost = [];
        _looks.Writer.TryWrite(lostAfter);
        return fails ? throw new StoreUnavailableException("scripted") : bug ? throw new InvalidOperationException("scripted") : lost;
    }

    public ValueTask<RunnerRecord?> RegisterAsync(NewRunner runner, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<HeartbeatResult?> HeartbeatAsync(string runnerId, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<bool> DrainAsync(string runnerId, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<bool> DeleteAsync(string runnerId, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<RunnerRecord?> GetAsync(string runnerId, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<Page<RunnerRecord>> ListAsync(RunnerQuery query, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<RunnerActors?> GetActorsAsync(string runnerId, CancellationToken cancellationToken) => throw new NotSupportedException();
}
