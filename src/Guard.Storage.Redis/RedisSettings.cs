using System.Diagnostics.CodeAnalysis;
using StackExchange.Redis;

namespace Guard.Storage.Redis;

/// <summary>How Guard wants the client to behave, whatever <c>Store:Redis:Configuration</c> says of it.</summary>
internal static class RedisSettings
{
    public static bool TryParse(string text, [NotNullWhen(true)] out ConfigurationOptions? settings)
    {
        try
        {
            settings = ConfigurationOptions.Parse(text);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
        {
            settings = null;
        }

        if (settings is null || settings.EndPoints.Count == 0)
        {
            settings = null;
            return false;
        }

        // A store that is away at start is no reason not to start, and a call that cannot be sent now is answered now.
        settings.AbortOnConnectFail = false;
        settings.BacklogPolicy = BacklogPolicy.FailFast;
        settings.ReconnectRetryPolicy = new JitteredRetry();
        settings.ConnectTimeout = Math.Min(settings.ConnectTimeout, 2000);
        settings.KeepAlive = settings.KeepAlive <= 0 ? 5 : settings.KeepAlive;
        settings.HeartbeatInterval = TimeSpan.FromMilliseconds(250);
        settings.ClientName ??= "guard";
        return true;
    }

    /// <summary>Tries again after 0.25 to 1 s, at random: many Guards that lost one Redis must not come back in one instant, and none may
    /// stay away for longer than a poll once it is there.</summary>
    private sealed class JitteredRetry : IReconnectRetryPolicy
    {
        public bool ShouldRetry(long currentRetryCount, int timeElapsedMillisecondsSinceLastRetry)
            => timeElapsedMillisecondsSinceLastRetry >= Random.Shared.Next(250, 1000);
    }
}
