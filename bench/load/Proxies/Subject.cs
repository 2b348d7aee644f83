using System.Globalization;
using Guard.Load.Processes;

namespace Guard.Load.Proxies;

/// <summary>One thing that is measured: a process, and where it takes requests.</summary>
/// <param name="Name">In reports.</param>
/// <param name="Process">Whose CPU time and memory count.</param>
/// <param name="Port">HTTP/1.1, on loopback.</param>
/// <param name="H2Port">HTTP/2 without TLS; null when it has none.</param>
/// <param name="Prefix">Before the path the upstream sees.</param>
internal sealed record Subject(string Name, Child Process, int Port, int? H2Port, string Prefix = "")
{
    public string Url(string path, bool h2)
        => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{(h2 ? H2Port : Port)}{Prefix}{path}");
}
