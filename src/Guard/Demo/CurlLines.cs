namespace Guard.Demo;

/// <summary>The lines the demo prints: each curl works when pasted. The words after <c>#</c> are read by tests/aot/smoke.sh.</summary>
internal static class CurlLines
{
    public static string Format(DemoAddresses addresses, string readyId, string brokenId)
    {
        var gateway = addresses.Gateway;
        var byKey = "rvt-namespace=default&rvt-method=get&rvt-key=";
        return $"""

            Guard demo. Gateway {gateway}, control {addresses.Control}. Everything is in memory and gone when this ends (Ctrl+C).

            # forward: to an actor that is ready, named by its id
            curl -i '{gateway}/gateway/{readyId}/hello?name=a%2Fb'

            # wake: an actor that sleeps, named by its key, is started first
            curl -i '{gateway}/gateway/{DemoActors.Name}/hello?{byKey}{DemoActors.Sleeping}'

            # hold: this one takes 3 seconds to start; the request waits (it sleeps again after 15 idle seconds)
            curl -i '{gateway}/gateway/{DemoActors.Name}/hello?{byKey}{DemoActors.Slow}'

            # serverless: its pool has no runner until this asks for one; Guard calls the endpoint's /start, and the runner it gives starts the actor
            curl -i '{gateway}/gateway/{DemoActors.Name}/hello?{byKey}{DemoActors.Serverless}'

            # fail-fast: its pool is red, so the answer is 503 with the cause; one request per 5 s probes the pool and takes about a second
            curl -i '{gateway}/gateway/{brokenId}/hello'

            # websocket: the 101 and the actor's first message; curl gives up after 2 seconds
            curl -i -N --http1.1 --max-time 2 -H 'connection: Upgrade' -H 'upgrade: websocket' -H 'sec-websocket-version: 13' -H 'sec-websocket-key: Z3VhcmQgZGVtbyBrZXkgMQ==' '{gateway}/gateway/{readyId}/ws'

            # events: a server-sent event each second; curl gives up after 3
            curl -i -N --max-time 3 '{gateway}/gateway/{readyId}/events'

            # pool-health: why the broken pool is red
            curl -i '{addresses.Control}/pool-health/{DemoMode.BrokenPool}?namespace=default'

            # metrics: what all this did
            curl -s '{addresses.Control}/metrics'


            """;
    }
}
