using System.Globalization;
using Guard.Load.Processes;

namespace Guard.Load.Proxies;

/// <summary>The process all proxies of a run forward to; more than one where a test needs several runners.</summary>
internal sealed record Upstream(Child Process, int Port)
{
    public string Url => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}");

    public static async Task<Upstream> StartAsync(CancellationToken cancellationToken, string name = "upstream")
    {
        var port = Ports.Free();
        var child = Child.Start(name, Cores.Client, [.. Repository.Baseline, "upstream", "--port", port.ToString(CultureInfo.InvariantCulture)]);
        await Ports.WaitAsync(port, child, cancellationToken);
        return new Upstream(child, port);
    }
}
