using Guard.Control.Input;
using Guard.Core.Options;
using Guard.Core.State.Runners;
using Guard.Core.Transport.Connections;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Seed;

/// <summary>
/// Creates what <c>Seed:File</c> lists and the store does not have: runner-configs, static runners, actors. What is there already is
/// left as it is, except that a runner of the same key is renewed. Used once, at start.
/// </summary>
internal sealed partial class SeedLoader(
    IPoolStore pools,
    RunnerInbox runners,
    IActorStore actors,
    LiveOptions options,
    EndpointPolicy endpoints,
    ILogger<SeedLoader> logger)
{
    private const int MaxBytes = 64 * 1024 * 1024;

    /// <summary>
    /// Checks the whole file before it writes anything. Throws <see cref="StartupException"/> when the file cannot be read or is not
    /// valid, <see cref="StoreException"/> when the store cannot be reached.
    /// </summary>
    public async Task LoadAsync(string file, CancellationToken cancellationToken)
    {
        var seed = await ReadAsync(file, cancellationToken);
        await CheckPoolsAsync(file, seed, cancellationToken);
        var created = 0;
        foreach (var entry in seed.Pools)
        {
            created += await pools.AddAsync(entry.Pool, entry.Config, cancellationToken) ? 1 : 0;
        }

        foreach (var (path, runner) in seed.Runners)
        {
            if (await runners.RegisterAsync(runner, cancellationToken) is not { } registered)
            {
                throw NoPool(file, $"{path}.name", runner.Pool);
            }

            created += registered.RunnerId == runner.RunnerId ? 1 : 0;
        }

        foreach (var (path, actor, hasId) in seed.Actors)
        {
            // Also a destroyed one is left alone: a restart must not bring it back.
            if (hasId && await actors.GetAsync(actor.Id, cancellationToken) is not null)
            {
                continue;
            }

            var result = await actors.CreateAsync(actor, cancellationToken);
            if (result.Status == CreateActorStatus.NoPool)
            {
                throw NoPool(file, $"{path}.runner_name_selector", actor.Pool);
            }

            created += result.Status == CreateActorStatus.Created ? 1 : 0;
        }

        LogLoaded(file, seed.Pools.Count, seed.Runners.Count, seed.Actors.Count, created);
    }

    private async Task<SeedFile> ReadAsync(string file, CancellationToken cancellationToken)
    {
        var json = await ReadBytesAsync(file, cancellationToken);
        var errors = new InputErrors();
        var seed = SeedFile.Read(json, options.Current.Datacenter, endpoints, errors);
        if (errors.First is { } error)
        {
            throw Refuse(file, error.Metadata?.Name, error.Metadata?.Detail ?? error.Message);
        }

        return seed!;
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBytesAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            if (new FileInfo(file) is { Exists: true, Length: > MaxBytes })
            {
                throw Refuse(file, null, $"larger than {MaxBytes} bytes");
            }

            var bytes = await File.ReadAllBytesAsync(file, cancellationToken);

            // Editors that mark UTF-8 files are common where configuration is written.
            return bytes.AsSpan().StartsWith("\uFEFF"u8) ? bytes.AsMemory(3) : bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new StartupException(
                $"Guard:Seed:File '{OneLine(file)}' cannot be read ({e.GetType().Name}); it must name a readable JSON file", e);
        }
    }

    private async Task CheckPoolsAsync(string file, SeedFile seed, CancellationToken cancellationToken)
    {
        var known = seed.Pools.Select(p => p.Pool).ToHashSet();
        foreach (var (path, pool) in seed.Runners.Select(r => ($"{r.Path}.name", r.Runner.Pool))
                     .Concat(seed.Actors.Select(a => ($"{a.Path}.runner_name_selector", a.Actor.Pool))))
        {
            if (!known.Contains(pool) && await pools.GetAsync(pool, cancellationToken) is null)
            {
                throw NoPool(file, path, pool);
            }

            known.Add(pool);
        }
    }

    private static StartupException NoPool(string file, string path, PoolId pool)
        => Refuse(file, path, $"the pool {pool} has no runner-config, neither in this file nor in the store");

    private static StartupException Refuse(string file, string? path, string detail)
        => new(OneLine($"Guard:Seed:File '{file}': {(path is null ? "" : path + ": ")}{detail}"));

    private static string OneLine(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));

    [LoggerMessage(
        1, LogLevel.Information,
        "Seed file {File} loaded: {Pools} runner-configs, {Runners} runners, {Actors} actors; {Created} of them were new",
        EventName = "SeedLoaded")]
    private partial void LogLoaded(string file, int pools, int runners, int actors, int created);
}
