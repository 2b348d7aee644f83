using Guard.Core.Transport.Connections;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Control.Input;

/// <summary>Reads a runner: the body of POST /runners, and the entries of a seed file.</summary>
internal static class RunnerInput
{
    public const int MaxSlots = 1_000_000;

    /// <summary>In place of an endpoint that was refused.</summary>
    private const string Nowhere = "http://invalid";

    /// <summary>The runner; after an error something to ignore.</summary>
    public static NewRunner Read(JsonFields body, string @namespace, string newRunnerId, EndpointPolicy endpoints, bool isStatic = false)
    {
        var runner = new NewRunner(
            newRunnerId,
            new PoolId(@namespace, body.Text("name", TextRule.Label)),
            body.Text("key", TextRule.RunnerKey),
            body.Integer("version", 0, int.MaxValue),
            ReadLocation(body, endpoints),
            body.Integer("total_slots", 1, MaxSlots),
            isStatic);
        if (runner.Location.Protocol == RunnerProtocol.H2c && runner.Location.Endpoint.StartsWith("https:", StringComparison.OrdinalIgnoreCase))
        {
            body.Errors.Add(body.PathTo("protocol"), "h2c is HTTP/2 without TLS: it needs an http:// endpoint");
        }

        body.End();
        return runner;
    }

    private static RunnerLocation.Http ReadLocation(JsonFields body, EndpointPolicy endpoints)
    {
        var url = EndpointInput.Read(body, "endpoint", endpoints);
        var protocol = body.OptionalWord("protocol", "http1", "h2c") == 1 ? RunnerProtocol.H2c : RunnerProtocol.Http1;
        return new(url is "" ? Nowhere : url, protocol);
    }
}
