using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Guard.Model.Ids;
using Guard.Scenarios.Hosting;
using Guard.Scenarios.Replicas;
using Guard.Scenarios.Support;
using Guard.TestSupport;

namespace Guard.Scenarios.Import;

/// <summary>Imports by the real binary into a real Redis, and over the control API of a running Guard.</summary>
public sealed class ImportScenarios : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("guard-import-");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Delete(recursive: true);

    private string Write(string name, IEnumerable<string> lines)
    {
        var path = Path.Combine(_directory.FullName, name);
        File.WriteAllLines(path, lines);
        return path;
    }

    private static IEnumerable<string> Lines(int count, string name = "room")
        => Enumerable.Range(0, count).Select(i => $$"""{"name":"{{name}}","key":"k{{i}}","runner_name_selector":"default","crash_policy":"sleep"}""");

    private static string[] Arguments(string file, string redis, params string[] more)
        => ["import", "--file", file, "--Guard:Store:Provider=Redis", $"--Guard:Store:Redis:Configuration={redis}", .. more];

    private static async Task<(int ExitCode, string Error)> RunAsync(string file, string redis, params string[] more)
    {
        var (exitCode, error, _) = await GuardCommand.RunAsync(Arguments(file, redis, more), Token);
        return (exitCode, error);
    }

    private static long DoneLines(string file)
    {
        try
        {
            return JsonElement.Parse(File.ReadAllBytes($"{file}.cursor")).GetProperty("totals").GetProperty("lines").GetInt64();
        }
        catch (FileNotFoundException)
        {
            return 0;
        }
    }

    /// <summary>Every actor of a name: its id by its key. Fails when a key is there twice.</summary>
    private static async Task<Dictionary<string, string>> ListAsync(ControlApi control, string name)
    {
        var all = new Dictionary<string, string>();
        for (var cursor = ""; ;)
        {
            var page = await control.CallAsync(HttpMethod.Get, $"actors?namespace=default&name={name}&limit=1000{cursor}", null, Token);
            foreach (var actor in page.GetProperty("actors").EnumerateArray())
            {
                all.Add(actor.GetProperty("key").GetString()!, actor.GetProperty("actor_id").GetString()!);
            }

            if (page.GetProperty("pagination").GetProperty("cursor").GetString() is not { } next)
            {
                return all;
            }

            cursor = $"&cursor={next}";
        }
    }

    [Fact]
    public async Task Import_NewFile_AllInAndServed()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var guard = await GuardProcess.StartAsync(Token, TwoGuards.OnRedis(redis.Address));
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        var id = ActorId.New(1).ToString();
        var file = Write("actors.ndjson", [.. Lines(3000), $$"""{"actor_id":"{{id}}","name":"moved","runner_name_selector":"default"}"""]);

        var (exitCode, error) = await RunAsync(file, redis.Address);

        Assert.Equal(0, exitCode);
        Assert.Contains("3001 lines: 3001 created, 0 existed already, 0 bad", error, StringComparison.Ordinal);
        Assert.False(File.Exists($"{file}.cursor"));
        Assert.Equal(3000, (await ListAsync(guard.Control, "room")).Count);
        Assert.Equal("200 /hello", await TwoGuards.AskAsync(guard, id, Token));
        using var byKey = await guard.Client.GetAsync(
            new Uri("/gateway/room/hello?rvt-namespace=default&rvt-method=get&rvt-key=k17", UriKind.Relative), Token);
        Assert.Equal(HttpStatusCode.OK, byKey.StatusCode);

        (exitCode, error) = await RunAsync(file, redis.Address);
        Assert.Equal(0, exitCode);
        Assert.Contains("0 created, 3001 existed already, 0 bad", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Import_BadLines_ReportedWithTheirNumberWhileTheRestGoesIn()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var guard = await GuardProcess.StartAsync(Token, TwoGuards.OnRedis(redis.Address));
        await guard.Control.PutPoolAsync("default", Token);
        var taken = ActorId.New(1);
        var file = Write("actors.ndjson",
        [
            Lines(1).Single(),
            "{not json",
            """{"name":"room","runner_name_selector":"default"}""",
            """{"name":"no good","key":"a","runner_name_selector":"default"}""",
            """{"name":"room","key":"b","runner_name_selector":"nowhere"}""",
            """{"name":"room","key":"c","runner_name_selector":"default","colour":"red"}""",
            $$"""{"actor_id":"{{ActorId.New(9)}}","name":"room","runner_name_selector":"default"}""",
            "",
            $$"""{"actor_id":"{{taken}}","name":"room","key":"k0","runner_name_selector":"default"}""",
            Lines(2).Last(),
        ]);

        var (exitCode, error) = await RunAsync(file, redis.Address);

        Assert.Equal(1, exitCode);
        Assert.Contains("line 2: not valid JSON at byte 2 ", error, StringComparison.Ordinal);
        Assert.Contains("line 3: key: missing", error, StringComparison.Ordinal);
        Assert.Contains("line 4: name: ", error, StringComparison.Ordinal);
        Assert.Contains("line 5: runner_name_selector: the pool default/nowhere has no runner-config", error, StringComparison.Ordinal);
        Assert.Contains("line 6: colour", error, StringComparison.Ordinal);
        Assert.Contains("line 7: actor_id: the id is of datacenter 9", error, StringComparison.Ordinal);
        Assert.Contains("line 9: key: belongs to actor ", error, StringComparison.Ordinal);
        Assert.Contains("10 lines: 2 created, 0 existed already, 7 bad", error, StringComparison.Ordinal);
        Assert.Equal(["k0", "k1"], (await ListAsync(guard.Control, "room")).Keys.Order());
    }

    [Fact]
    public async Task Import_KilledMidway_GoesOnFromItsCursorAndEachIsThereOnce()
    {
        const int Count = 20_000;
        await using var redis = await RedisServer.StartAsync();
        await using var guard = await GuardProcess.StartAsync(Token, TwoGuards.OnRedis(redis.Address));
        await guard.Control.PutPoolAsync("default", Token);
        var file = Write("actors.ndjson", Lines(Count));
        for (var kill = 1; kill <= 3; kill++)
        {
            using var command = GuardCommand.Start(Arguments(file, redis.Address, "--Guard:Import:BatchSize=50"));
            var least = kill * Count / 6;
            await TwoGuards.UntilAsync(() => Task.FromResult(DoneLines(file) >= least), $"{least} lines done", Token);
            command.Signal("KILL");
            await command.WaitAsync(Token);
            Assert.InRange(DoneLines(file), least, Count - 1);
        }

        var (exitCode, error) = await RunAsync(file, redis.Address);

        Assert.Equal(0, exitCode);
        Assert.Contains("going on after line ", error, StringComparison.Ordinal);
        Assert.Contains($"{Count} lines: ", error, StringComparison.Ordinal);
        Assert.Equal(Count, (await ListAsync(guard.Control, "room")).Count);
    }

    [Fact]
    public async Task Import_CursorOfAnotherFile_BeginsAtItsBeginning()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var guard = await GuardProcess.StartAsync(Token, TwoGuards.OnRedis(redis.Address));
        await guard.Control.PutPoolAsync("default", Token);
        var file = Write("actors.ndjson", Lines(10));
        Write("actors.ndjson.cursor", ["""{"of":"1-00","offset":100,"totals":{"lines":5,"created":5,"existed":0,"bad":0}}"""]);

        var (exitCode, error) = await RunAsync(file, redis.Address);

        Assert.Equal(0, exitCode);
        Assert.Contains("beginning anew: ", error, StringComparison.Ordinal);
        Assert.Equal(10, (await ListAsync(guard.Control, "room")).Count);
    }

    [Fact]
    public async Task Import_StoreStopsAnswering_EndsWith3AndGoesOnWhenItIsBack()
    {
        const int Count = 20_000;
        await using var redis = await RedisServer.StartAsync();
        await using var guard = await GuardProcess.StartAsync(Token, TwoGuards.OnRedis(redis.Address));
        await guard.Control.PutPoolAsync("default", Token);
        var file = Write("actors.ndjson", Lines(Count));
        string[] quick = ["--Guard:Import:BatchSize=50", "--Guard:Retry:MaxDelay=00:00:00.2", "--Guard:Store:Redis:CallTimeout=00:00:00.3"];

        var run = RunAsync(file, redis.Address, quick);
        await TwoGuards.UntilAsync(() => Task.FromResult(DoneLines(file) >= 100), "100 lines done", Token);
        redis.Freeze();
        var (exitCode, error) = await run;
        Assert.Equal(3, exitCode);
        Assert.Contains("; trying again in ", error, StringComparison.Ordinal);
        Assert.Contains("tried 4 times", error, StringComparison.Ordinal);
        Assert.Contains("Run the same command again", error, StringComparison.Ordinal);

        redis.Thaw();
        (exitCode, error) = await RunAsync(file, redis.Address);
        Assert.Equal(0, exitCode);
        Assert.Contains("going on after line ", error, StringComparison.Ordinal);
        Assert.Equal(Count, (await ListAsync(guard.Control, "room")).Count);
    }

    [Fact]
    public async Task Import_Terminated_EndsWith3AndKeepsItsCursor()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var guard = await GuardProcess.StartAsync(Token, TwoGuards.OnRedis(redis.Address));
        await guard.Control.PutPoolAsync("default", Token);
        var file = Write("actors.ndjson", Lines(20_000));
        using var command = GuardCommand.Start(Arguments(file, redis.Address, "--Guard:Import:BatchSize=50"));
        await TwoGuards.UntilAsync(() => Task.FromResult(DoneLines(file) >= 100), "100 lines done", Token);

        command.Signal("TERM");

        Assert.Equal(3, await command.WaitAsync(Token));
        Assert.InRange(DoneLines(file), 100, 19_999);
    }

    [Fact]
    public async Task Import_LinesWithNamespace_EachGoesToItsOwnAndTheRestToTheOneGiven()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var guard = await GuardProcess.StartAsync(Token, TwoGuards.OnRedis(redis.Address));
        foreach (var name in new[] { "default", "other" })
        {
            await guard.Control.CallAsync(HttpMethod.Put, $"runner-configs/default?namespace={name}", """{"datacenters":{"default":{"normal":{}}}}""", Token);
        }

        var file = Write("actors.ndjson",
        [
            """{"namespace":"other","name":"room","key":"a","runner_name_selector":"default","generation":41,"create_ts":1600000000000}""",
            """{"name":"room","key":"a","runner_name_selector":"default"}""",
        ]);

        Assert.Equal(2, (await RunAsync(file, redis.Address, "--namespace", "nowhere")).ExitCode);
        Assert.Equal(0, (await RunAsync(file, redis.Address, "--namespace=default")).ExitCode);

        var page = await guard.Control.CallAsync(HttpMethod.Get, "actors?namespace=other&name=room", null, Token);
        var actor = Assert.Single(page.GetProperty("actors").EnumerateArray());
        Assert.Equal((41, 1_600_000_000_000), (actor.GetProperty("generation").GetInt64(), actor.GetProperty("create_ts").GetInt64()));
        Assert.Single(await ListAsync(guard.Control, "room"));
    }

    [Fact]
    public async Task Import_TwoAtOnceOnOneFile_EachIsWrittenOnce()
    {
        const int Count = 10_000;
        await using var redis = await RedisServer.StartAsync();
        await using var guard = await GuardProcess.StartAsync(Token, TwoGuards.OnRedis(redis.Address));
        await guard.Control.PutPoolAsync("default", Token);
        var file = Write("actors.ndjson", Lines(Count));

        // A batch that is tried again counts what the first try wrote as there already: none is here, however busy the machine.
        string[] patient = ["--Guard:Import:BatchTimeout=00:01:00", "--Guard:Store:Redis:CallTimeout=00:00:30"];
        var both = await Task.WhenAll(
            RunAsync(file, redis.Address, ["--cursor", $"{file}.a", .. patient]), RunAsync(file, redis.Address, ["--cursor", $"{file}.b", .. patient]));

        Assert.All(both, run => Assert.Equal(0, run.ExitCode));
        Assert.Equal(Count, (await ListAsync(guard.Control, "room")).Count);
        Assert.Equal(Count, both.Sum(run => long.Parse(run.Error.Split("lines: ")[^1].Split(' ')[0], CultureInfo.InvariantCulture)));
    }

    [Theory]
    [InlineData("import", 2, "--file is missing")]
    [InlineData("import --file /nowhere", 2, "does not exist")]
    [InlineData("import --file {file} --namespace -x", 2, "--namespace")]
    [InlineData("import --file {file} --restrat --Guard:Store:Provider=Redis", 2, "'--restrat' is not an argument of import")]
    [InlineData("import {file}", 2, "is not an argument of import")]
    [InlineData("import --file - --restart", 2, "cannot be read again")]
    [InlineData("import --file", 2, "--file has no value")]
    [InlineData("import --file {file}", 2, "Guard:Store:Provider is Memory")]
    [InlineData("import --file {file} --Guard:Store:Provider=Redis --Guard:Import:BatchSize=0", 2, "Guard:Import:BatchSize")]
    [InlineData("import --file {file} --Guard:Store:Provider=Redis --Guard:Store:Redis:Configuration=127.0.0.1:1", 3, "Run the same command again")]
    public async Task Import_CannotBegin_OneLineSaysWhy(string arguments, int expected, string says)
    {
        var file = Write("actors.ndjson", Lines(1));

        var (exitCode, error, _) = await GuardCommand.RunAsync(arguments.Replace("{file}", file, StringComparison.Ordinal).Split(' '), Token);

        Assert.Equal(expected, exitCode);
        Assert.Contains(says, Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PostImports_EmbeddedStore_CreatesAndCounts()
    {
        await using var guard = await GuardProcess.StartAsync(Token);
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);

        // Longer than any other body may be.
        var body = string.Join('\n', [.. Lines(30_000), "oops", $$"""{"name":"big","key":"b","runner_name_selector":"default","input":"{{new string('A', 2 << 20)}}"}"""]);
        using var content = new StringContent(body, Encoding.UTF8, "application/x-ndjson");
        using var response = await guard.Control.Client.PostAsync("imports?namespace=default", content, Token);
        var reply = JsonElement.Parse(await response.Content.ReadAsStringAsync(Token));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal((30_002, 30_000, 0, 2, true), (Number("lines"), Number("created"), Number("existed"), Number("bad"), reply.GetProperty("complete").GetBoolean()));
        Assert.Equal([30_001, 30_002], reply.GetProperty("errors").EnumerateArray().Select(e => e.GetProperty("line").GetInt32()));
        Assert.Equal(30_000, (await ListAsync(guard.Control, "room")).Count);
        using var byKey = await guard.Client.GetAsync(
            new Uri("/gateway/room/hello?rvt-namespace=default&rvt-method=get&rvt-key=k29999", UriKind.Relative), Token);
        Assert.Equal(HttpStatusCode.OK, byKey.StatusCode);

        using var missing = await guard.Control.Client.PostAsync("imports?namespace=nowhere", null, Token);
        Assert.Equal("namespace.not_found", missing.Headers.GetValues("x-rivet-error").Single());

        int Number(string name) => reply.GetProperty(name).GetInt32();
    }
}
