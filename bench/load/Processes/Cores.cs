namespace Guard.Load.Processes;

/// <summary>Who runs where: the client, the upstream and the store on one core, what is measured alone on another.</summary>
internal static class Cores
{
    public static int Client { get; } = Read("GUARD_LOAD_CLIENT_CORE", 0);

    public static int Proxy { get; } = Read("GUARD_LOAD_PROXY_CORE", 1);

    private static int Read(string variable, int otherwise)
        => int.TryParse(Environment.GetEnvironmentVariable(variable), out var core) ? core : otherwise;
}
