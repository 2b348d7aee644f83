using System.Net;
using Guard.Core.Options;
using Guard.Core.Transport.Connections;

namespace Guard.Sidecar;

/// <summary>The application Guard stands beside, as far as its health goes. Thread-safe.</summary>
internal sealed class SidecarApp(HttpMessageInvoker invoker, LiveOptions options, TimeProvider time)
{
    /// <summary>Null when it answered 200 to 399 in time; else what it did instead.</summary>
    public async Task<string?> CheckAsync(CancellationToken cancellationToken)
    {
        var sidecar = options.Current.Sidecar;
        using var timeout = new CancellationTokenSource(sidecar.HealthTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, sidecar.Endpoint!.TrimEnd('/') + sidecar.HealthPath);
            (request.Version, request.VersionPolicy) = sidecar.Protocol == SidecarProtocol.H2c
                ? (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact)
                : (HttpVersion.Version11, HttpVersionPolicy.RequestVersionOrLower);
            using var response = await invoker.SendAsync(request, either.Token);
            return (int)response.StatusCode is >= 200 and < 400 ? null : $"answers {(int)response.StatusCode}";
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return $"does not answer within {sidecar.HealthTimeout}";
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return RunnerFaults.Describe(e) ?? "cannot be reached";
        }
    }
}
