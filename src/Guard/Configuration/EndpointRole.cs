namespace Guard.Configuration;

/// <summary>What a listener serves.</summary>
internal enum EndpointRole
{
    /// <summary>Clients, and nothing else.</summary>
    Gateway,

    /// <summary>Control API, metrics, health.</summary>
    Control,

    /// <summary>Metrics and health only, without token.</summary>
    Health,
}

/// <summary>
/// Put on every connection of a listener, and found again in the features of each of its requests: which listener it came in by. Never
/// decided by Host or port, which a client can choose.
/// </summary>
/// <param name="Name">The endpoint's name in the configuration.</param>
/// <param name="Role">What follows from the name.</param>
internal sealed record EndpointRoleFeature(string Name, EndpointRole Role)
{
    public static EndpointRole RoleOf(string name)
        => name.StartsWith("Control", StringComparison.OrdinalIgnoreCase) ? EndpointRole.Control
            : name.StartsWith("Health", StringComparison.OrdinalIgnoreCase) ? EndpointRole.Health
            : EndpointRole.Gateway;
}
