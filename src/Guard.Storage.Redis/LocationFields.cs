using Guard.Model.Runners;
using StackExchange.Redis;

namespace Guard.Storage.Redis;

/// <summary>A runner's location as the fields of a hash: one text, or, in a store of format 1, URL, protocol, 1 when implicit and routing
/// key, of which the last two may be missing. Only this class reads them; scripts carry what <c>location_1</c> or <c>location_2</c> names.</summary>
internal static class LocationFields
{
    private const string Text = "at";
    private static readonly string[] OfRunner = ["ep", "pr", "im", "rk"], OfActor = ["re", "rp", "ri", "rk"];

    /// <summary>What a script sets the fields to, in their order; an empty text is a field that is missing.</summary>
    /// <exception cref="FormatException">The store's format has no fields for this kind of location.</exception>
    public static RedisValue[] Write(RunnerLocation location, int format) => (format, location) switch
    {
        (FormatCheck.Oldest, RunnerLocation.Http at) => Write(at, isImplicit: false),
        (FormatCheck.Oldest, RunnerLocation.Implicit { At: var at }) => Write(at, isImplicit: true),
        (FormatCheck.Oldest, _) => throw new FormatException("a store of format 1 cannot keep this kind of runner"),
        _ => [location.ToString()],
    };

    public static RunnerLocation ReadOfRunner(RedisHash hash) => Read(hash, OfRunner);

    public static RunnerLocation ReadOfActor(RedisHash hash) => Read(hash, OfActor);

    private static RedisValue[] Write(RunnerLocation.Http at, bool isImplicit) => [at.Url, (int)at.Protocol, isImplicit ? "1" : "", at.RoutingKey ?? ""];

    private static RunnerLocation Read(RedisHash hash, string[] fields)
    {
        try
        {
            if (hash.Text(Text) is { } text)
            {
                return RunnerLocation.Parse(text);
            }

            var at = new RunnerLocation.Http(hash.Required(fields[0]), hash.Choice<RunnerProtocol>(fields[1]), hash.Text(fields[3]));
            return hash.Has(fields[2]) ? new RunnerLocation.Implicit(at) : at;
        }
        catch (FormatException e)
        {
            throw RedisHash.Unreadable("a record in Redis does not say where its runner is", e);
        }
    }
}
