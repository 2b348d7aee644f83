using Guard.Baseline;

// What Guard is measured against, and what it is measured with. One process per mode; ends on SIGTERM or SIGINT.
var arguments = new Arguments(args);
switch (arguments.Mode)
{
    case "upstream":
        await Upstream.RunAsync(arguments.Port);
        return 0;
    case "proxy":
        await BareProxy.RunAsync(arguments);
        return 0;
    case "reply":
        await BareReply.RunAsync(arguments);
        return 0;
    case "park":
        await BarePark.RunAsync(arguments);
        return 0;
    default:
        Console.Error.WriteLine(
            """
            usage: Guard.Baseline MODE --port N [--h2c-port N]
              upstream           raw sockets, HTTP/1.1: /tiny /1k /64k /1m, WebSocket echo, start and stop calls of Guard
              proxy --to URL     a bare YARP forwarder as YARP ships; with --tuned, set up as Guard is
              reply              a bare Kestrel application that answers 'ok'
              park               a bare Kestrel application that holds GETs until POST /release
            """);
        return 2;
}
