using System.Globalization;
using Guard.Load.Processes;

namespace Guard.Load.Guards;

/// <summary>
/// A Guard of this run, with everything on: Redis unless told otherwise, metrics, retries, ray ids, client limits. What would end a load
/// test from one address is raised, and <see cref="RaisedLimits"/> says so.
/// </summary>
internal sealed class GuardProcess
{
    /// <summary>For the report: every command that starts a Guard states them.</summary>
    public const string RaisedLimits =
        "Limits raised in Guard: `Limits:RequestsPerClient` 1000000000, `Limits:ConcurrentPerClient` 1000000 (on, so that their cost counts; all load comes " +
        "from one address), `Readiness:MaxHeld`, `MaxHeldPerPool` and `MaxHeldPerActor` 1000000, `Readiness:Timeout` 10 minutes.";

    private static readonly Dictionary<string, string> Raised = new()
    {
        ["Guard__Limits__RequestsPerClient"] = "1000000000",
        ["Guard__Limits__ConcurrentPerClient"] = "1000000",
        ["Guard__Readiness__MaxHeld"] = "1000000",
        ["Guard__Readiness__MaxHeldPerPool"] = "1000000",
        ["Guard__Readiness__MaxHeldPerActor"] = "1000000",
        ["Guard__Readiness__Timeout"] = "00:10:00",
    };

    private GuardProcess(Child child, int gateway, int gatewayH2, int control)
    {
        (Child, GatewayPort, H2Port) = (child, gateway, gatewayH2);
        Control = new ControlClient(new UriBuilder("http", "127.0.0.1", control).Uri, null);
    }

    public Child Child { get; }

    public int GatewayPort { get; }

    public int H2Port { get; }

    public ControlClient Control { get; }

    /// <param name="name">Of the process in reports.</param>
    /// <param name="command">Which build; see <see cref="Repository"/>.</param>
    /// <param name="redis">Null for the store in memory.</param>
    /// <param name="environment">Further settings; they win.</param>
    /// <param name="cancellationToken">Ends the wait for it.</param>
    public static async Task<GuardProcess> StartAsync(
        string name, string[] command, RedisProcess? redis, IReadOnlyDictionary<string, string>? environment, CancellationToken cancellationToken)
    {
        var (child, gateway, h2, control) = Start(name, command, redis, environment, Raised);
        await Ports.WaitAsync(gateway, child, cancellationToken);
        var guard = new GuardProcess(child, gateway, h2, control);
        await guard.Control.WaitUntilReadyAsync(cancellationToken);
        return guard;
    }

    /// <summary>A Guard with no limit raised that nobody has waited for.</summary>
    public static (Child Child, int ControlPort) StartPlain(
        string name, string[] command, RedisProcess? redis, IReadOnlyDictionary<string, string>? environment)
    {
        var (child, _, _, control) = Start(name, command, redis, environment, []);
        return (child, control);
    }

    private static (Child Child, int Gateway, int H2, int Control) Start(
        string name, string[] command, RedisProcess? redis, IReadOnlyDictionary<string, string>? environment, Dictionary<string, string> limits)
    {
        var (gateway, h2, control) = (Ports.Free(), Ports.Free(), Ports.Free());
        var settings = new Dictionary<string, string>(limits)
        {
            ["Kestrel__Endpoints__Gateway__Url"] = Loopback(gateway),
            ["Kestrel__Endpoints__GatewayH2__Url"] = Loopback(h2),
            ["Kestrel__Endpoints__GatewayH2__Protocols"] = "Http2",
            ["Kestrel__Endpoints__Control__Url"] = Loopback(control),
        };
        if (redis is not null)
        {
            settings["Guard__Store__Provider"] = "Redis";
            settings["Guard__Store__Redis__Configuration"] = redis.Address;
        }

        foreach (var (key, value) in environment ?? new Dictionary<string, string>())
        {
            settings[key] = value;
        }

        return (Child.Start(name, Cores.Proxy, command, settings), gateway, h2, control);
    }

    private static string Loopback(int port) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
}
