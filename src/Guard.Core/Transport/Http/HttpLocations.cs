using System.Diagnostics;
using Guard.Model.Runners;

namespace Guard.Core.Transport.Http;

/// <summary>Where HTTP finds a runner, also one without start and stop calls.</summary>
internal static class HttpLocations
{
    public static RunnerLocation.Http Of(RunnerAddress runner) => runner.Location switch
    {
        RunnerLocation.Http http => http,
        RunnerLocation.Implicit at => at.At,
        _ => throw new UnreachableException("a runner of another transport came to HTTP"),
    };
}
