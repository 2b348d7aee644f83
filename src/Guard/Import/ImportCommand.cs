using System.Globalization;
using System.IO.Pipelines;
using Guard.Core.Options;
using Guard.Core.Storage;
using Guard.Core.Targets;
using Guard.Hosting;

namespace Guard.Import;

/// <summary>
/// <c>guard import --file actors.ndjson</c>: brings actors of another system into the shared store, without a running Guard. Exit codes:
/// 0 all in, 1 some lines were bad, 2 not begun (arguments, configuration), 3 not finished (run it again: it goes on from its cursor).
/// </summary>
internal sealed class ImportCommand(ImportArguments arguments, GuardOptions options, Importer importer, IPoolStore pools, TimeProvider time)
{
    public const string Name = "import";

    public const int AllIn = 0;
    public const int SomeBad = 1;
    public const int NotFinished = 3;

    /// <summary>Whether the command line asks for it.</summary>
    public static bool IsAsked(string[] args) => args is [Name, ..];

    public static async Task<int> RunAsync(string[] args)
    {
        var arguments = ImportArguments.Read(args[1..], out var rest, out var problem);
        if (arguments is null)
        {
            await Console.Error.WriteLineAsync($"guard: {problem}");
            return StartupFailure.ExitCode;
        }

        // What the store says in passing would tear the bar apart; what matters is said here.
        await using var app = GuardApp.Build([.. rest, "--Logging:LogLevel:Default=Error"]);
        var options = app.Services.GetRequiredService<LiveOptions>().Current;
        if (options.Store.Provider == StoreProvider.Memory)
        {
            await Console.Error.WriteLineAsync(
                "guard: Guard:Store:Provider is Memory: that store is inside a running Guard. POST the file to its control endpoint: /imports?namespace=…");
            return StartupFailure.ExitCode;
        }

        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            stop.Cancel();
        };
        return await ActivatorUtilities.CreateInstance<ImportCommand>(app.Services, arguments, options).RunAsync(stop.Token);
    }

    private async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        await using var file = new FileStream(
            arguments.File, new FileStreamOptions { Mode = FileMode.Open, Options = FileOptions.Asynchronous | FileOptions.SequentialScan });
        var fingerprint = await ImportCursor.FingerprintAsync(file, cancellationToken);
        var cursor = arguments.Restart ? null : ImportCursor.Load(arguments.Cursor, fingerprint);
        file.Position = cursor?.Offset ?? 0;
        var progress = new ImportProgress(Console.Error, !Console.IsErrorRedirected, file.Length, file.Position, time);
        if (cursor is not null)
        {
            progress.Say($"going on after line {cursor.Totals.Lines} ({arguments.Cursor}; --restart begins anew)");
        }

        var since = time.GetTimestamp();
        var observer = new CommandObserver(progress, arguments.Cursor, fingerprint);
        try
        {
            if (!await pools.NamespaceExistsAsync(arguments.Namespace, cancellationToken))
            {
                progress.Say($"guard: namespace '{arguments.Namespace}' does not exist: it has no runner-config");
                return NotFinished;
            }

            var start = cursor?.Totals ?? ImportTotals.None;
            var totals = await importer.RunAsync(
                new ImportLines(PipeReader.Create(file, new StreamPipeReaderOptions(bufferSize: 65_536)), start.Lines, file.Position),
                arguments.Namespace, start, observer, cancellationToken);
            File.Delete(arguments.Cursor);
            progress.Say(string.Create(
                CultureInfo.InvariantCulture,
                $"done in {time.GetElapsedTime(since).TotalSeconds:0.0} s, {totals.Lines} lines: {totals.Created} created, {totals.Existed} existed already, {totals.Bad} bad"));
            return totals.Bad == 0 ? AllIn : SomeBad;
        }
        catch (StoreUnavailableException e)
        {
            progress.Say($"guard: the store ({options.Store.Provider}) could not be written: {e.Message}. Run the same command again: it goes on where it stopped");
            return NotFinished;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            progress.Say("guard: interrupted. Run the same command again: it goes on where it stopped");
            return NotFinished;
        }
    }

    private sealed class CommandObserver(ImportProgress progress, string cursor, string fingerprint) : IImportObserver
    {
        public void BadLine(long line, string reason) => progress.Say(string.Create(CultureInfo.InvariantCulture, $"line {line}: {reason}"));

        public void BatchDone(ImportTotals totals, long end)
        {
            new ImportCursor(fingerprint, end, totals).Save(cursor);
            progress.Show(totals, end);
        }

        public void Retrying(string reason, TimeSpan delay)
            => progress.Say(string.Create(CultureInfo.InvariantCulture, $"{reason}; trying again in {delay.TotalMilliseconds:0} ms"));
    }
}

/// <param name="File">Of NDJSON.</param>
/// <param name="Namespace">Of every actor in it.</param>
/// <param name="Cursor">Where the cursor is kept.</param>
/// <param name="Restart">A cursor there is not looked at.</param>
internal sealed record ImportArguments(string File, string Namespace, string Cursor, bool Restart)
{
    private const string Usage = "usage: guard import --file FILE [--namespace default] [--cursor FILE.cursor] [--restart] [--Guard:KEY=VALUE …]";

    /// <summary>Null, with what is wrong, when they cannot be used. <paramref name="rest"/> is for the configuration.</summary>
    public static ImportArguments? Read(string[] args, out string[] rest, out string problem)
    {
        var other = new List<string>();
        string? file = null, @namespace = "default", cursor = null;
        var restart = false;
        for (var i = 0; i < args.Length; i++)
        {
            var (name, value) = args[i].Split('=', 2) is [var left, var right] ? (left, right) : (args[i], null);
            switch (name)
            {
                case "--file":
                    file = value ?? (++i < args.Length ? args[i] : null);
                    break;
                case "--namespace":
                    @namespace = value ?? (++i < args.Length ? args[i] : null);
                    break;
                case "--cursor":
                    cursor = value ?? (++i < args.Length ? args[i] : null);
                    break;
                case "--restart":
                    restart = true;
                    break;
                default:
                    other.Add(args[i]);
                    break;
            }
        }

        rest = [.. other];
        problem = string.IsNullOrEmpty(file) ? $"--file is missing; {Usage}"
            : !System.IO.File.Exists(file) ? $"--file '{file}' does not exist"
            : @namespace is null || !NameRules.IsLabel(@namespace) ? $"--namespace: {NameRules.LabelAllowed}; {Usage}"
            : "";
        return problem.Length > 0 ? null : new(file!, @namespace!, cursor ?? $"{file}.cursor", restart);
    }
}
