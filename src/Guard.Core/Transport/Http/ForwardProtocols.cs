using System.Net;
using Guard.Model.Runners;
using Yarp.ReverseProxy.Forwarder;

namespace Guard.Core.Transport.Http;

/// <summary>How runners are spoken to, by what they registered.</summary>
internal sealed class ForwardProtocols(TimeSpan activityTimeout, Version overTls)
{
    private readonly ForwarderRequestConfig _http1 = Config(activityTimeout, HttpVersion.Version11, HttpVersionPolicy.RequestVersionOrLower);
    private readonly ForwarderRequestConfig _h2c = Config(activityTimeout, HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);
    private readonly ForwarderRequestConfig _https = Config(activityTimeout, overTls, HttpVersionPolicy.RequestVersionOrLower);

    public ForwarderRequestConfig For(RunnerLocation.Http at)
        => at.Url.StartsWith("https:", StringComparison.OrdinalIgnoreCase) ? _https
            : at.Protocol == RunnerProtocol.H2c ? _h2c
            : _http1;

    private static ForwarderRequestConfig Config(TimeSpan activityTimeout, Version version, HttpVersionPolicy policy)
        => new() { ActivityTimeout = activityTimeout, Version = version, VersionPolicy = policy };
}
