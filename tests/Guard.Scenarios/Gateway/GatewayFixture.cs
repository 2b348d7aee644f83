using System.Globalization;
using Guard.Scenarios.Support;
using Guard.TestSupport;

namespace Guard.Scenarios.Gateway;

/// <summary>One real Guard with the namespace, pool, runner and actors the vectors are written for; shared by tests that only read.</summary>
internal sealed class GatewayFixture
{
    private static readonly Lazy<Task<GatewayFixture>> Shared = new(() => StartAsync(CancellationToken.None));

    private GatewayFixture(GuardProcess guard, ScriptedRunner runner, string actorId)
    {
        Guard = guard;
        Runner = runner;
        ActorId = actorId;
    }

    public GuardProcess Guard { get; }

    public ScriptedRunner Runner { get; }

    /// <summary>The ready actor of key <c>k1</c>.</summary>
    public string ActorId { get; }

    /// <summary>Started once for the whole test run; its process ends with the test process.</summary>
    public static Task<GatewayFixture> SharedAsync(CancellationToken cancellationToken) => Shared.Value.WaitAsync(cancellationToken);

    /// <summary>Puts ids in for the placeholders of the vectors.</summary>
    public string Fill(string text) => text
        .Replace("{k1-first-char-percent-encoded}", $"%{(int)ActorId[0]:X2}{ActorId[1..]}", StringComparison.Ordinal)
        .Replace("{K1-UPPER}", ActorId.ToUpper(CultureInfo.InvariantCulture), StringComparison.Ordinal)
        .Replace("{k1}", ActorId, StringComparison.Ordinal)
        .Replace("{unknown}", Model.Ids.ActorId.New(1).ToString(), StringComparison.Ordinal)
        .Replace("{elsewhere}", Model.Ids.ActorId.New(999).ToString(), StringComparison.Ordinal);

    private static async Task<GatewayFixture> StartAsync(CancellationToken cancellationToken)
    {
        var guard = await GuardProcess.StartAsync(cancellationToken);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => guard.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(5));
        await guard.Control.PutPoolAsync("default", cancellationToken);
        var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), cancellationToken);
        var actorId = await guard.Control.CreateActorAsync("default", cancellationToken, key: "k1");
        using var wake = await guard.Client.GetAsync(new Uri($"/gateway/{actorId}/", UriKind.Relative), cancellationToken);
        wake.EnsureSuccessStatusCode();
        return new GatewayFixture(guard, runner, actorId);
    }
}
