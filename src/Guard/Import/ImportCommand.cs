using System.Globalization;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Guard.Core.Options;
using Guard.Hosting;
using Guard.Model.Stores;
using Guard.Storage.Redis;

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
    public const int NotBegun = StartupFailure.ExitCode;
    public const int NotFinished = 3;

    private const string DefaultNamespace = "default";

    /// <summary>Whether the command line asks for it.</summary>
    public static bool IsAsked(string[] args) => args is [Name, ..];

    public static async Task<int> RunAsync(string[] args)
    {
        if (ImportArguments.Read(args.AsSpan(1), out var problem) is not { } arguments)
        {
            await Console.Error.WriteLineAsync($"guard: {problem}");
            return NotBegun;
        }

        // What the store says in passing would tear the bar apart; what matters is said here.
        await using var app = GuardApp.Build([.. arguments.Configuration, "--Logging:LogLevel:Default=Error"]);
        var options = app.Services.GetRequiredService<LiveOptions>().Current;
        if (options.Store.Provider == StoreProvider.Memory)
        {
            await Console.Error.WriteLineAsync(
                "guard: Guard:Store:Provider is Memory: that store is inside a running Guard. POST the file to its control endpoint: /imports?namespace=…");
            return NotBegun;
        }

        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        return await ActivatorUtilities.CreateInstance<ImportCommand>(app.Services, arguments, options).RunAsync(stop.Token);

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
    }

    private async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        await using var input = arguments.IsStandardInput
            ? Console.OpenStandardInput()
            : new FileStream(arguments.File, new FileStreamOptions
            {
                Mode = FileMode.Open,
                Access = FileAccess.Read,
                Share = FileShare.Read,
                Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
            });
        var file = input as FileStream;
        var fingerprint = file is null ? "" : await ImportCursor.FingerprintAsync(file, Destination(), cancellationToken);
        var cursor = arguments is { Restart: false, Cursor: { } path } ? ImportCursor.Load(path, fingerprint) : null;
        var (offset, before) = (cursor?.Offset ?? 0, cursor?.Totals ?? ImportTotals.None);
        var progress = new ImportProgress(Console.Error, !Console.IsErrorRedirected, file?.Length, offset, time);
        if (cursor is not null)
        {
            file!.Position = offset;
            progress.Say(string.Create(CultureInfo.InvariantCulture, $"going on after line {before.Lines} ({arguments.Cursor}; --restart begins anew)"));
        }
        else if (!arguments.Restart && File.Exists(arguments.Cursor))
        {
            progress.Say($"beginning anew: {arguments.Cursor} is of another file, or of another destination");
        }

        var since = time.GetTimestamp();
        try
        {
            // Also where lines may name others: a store that is not there is told before the first of them.
            var exists = await pools.NamespaceExistsAsync(arguments.Namespace ?? DefaultNamespace, cancellationToken);
            if (arguments.Namespace is not null && !exists)
            {
                progress.Say($"guard: namespace '{arguments.Namespace}' does not exist: it has no runner-config");
                return NotBegun;
            }

            var totals = await importer.RunAsync(
                new ImportLines(PipeReader.Create(input, new StreamPipeReaderOptions(bufferSize: 65_536)), before.Lines, offset),
                new(arguments.Namespace ?? DefaultNamespace, MayBeNamed: true),
                before,
                new CommandObserver(progress, arguments.Cursor, fingerprint),
                cancellationToken);
            if (arguments.Cursor is { } done)
            {
                File.Delete(done);
            }

            progress.Say(string.Create(
                CultureInfo.InvariantCulture,
                $"done in {time.GetElapsedTime(since).TotalSeconds:0.0} s, {totals.Lines} lines: {totals.Created} created, {totals.Existed} existed already, {totals.Bad} bad"));
            return totals.Bad == 0 ? AllIn : SomeBad;
        }
        catch (StoreException e)
        {
            var cause = e.InnerException is { } inner ? $" ({inner.Message.ReplaceLineEndings(" ")})" : "";
            progress.Say($"guard: the store ({options.Store.Provider}) could not be written: {e.Message}{cause}. {Again}");
            return NotFinished;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            progress.Say($"guard: the file or its cursor ({arguments.Cursor}) cannot be used: {e.Message} {Again}");
            return NotFinished;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            progress.Say($"guard: interrupted. {Again}");
            return NotFinished;
        }
    }

    private string Again => arguments.Cursor is null
        ? "Run the same command with the same input again: what is in stays"
        : "Run the same command again: it goes on where it stopped";

    /// <summary>What a cursor must not be taken over to: another namespace, or another store.</summary>
    private string Destination()
    {
        var redis = options.Store.Redis;
        var where = RedisSettings.TryParse(redis.Configuration, out var settings)
            ? $"{string.Join(',', settings.EndPoints)} {settings.ServiceName} {settings.DefaultDatabase}"
            : "";
        return $"{where} {redis.KeyPrefix} {arguments.Namespace ?? DefaultNamespace}";
    }

    private sealed class CommandObserver(ImportProgress progress, string? cursor, string fingerprint) : IImportObserver
    {
        public void BadLine(long line, string reason) => progress.Say(string.Create(CultureInfo.InvariantCulture, $"line {line}: {reason}"));

        public void BatchDone(ImportTotals totals, long end)
        {
            if (cursor is not null)
            {
                new ImportCursor(fingerprint, end, totals).Save(cursor);
            }

            progress.Show(totals, end);
        }

        public void Retrying(string reason, TimeSpan delay)
            => progress.Say(string.Create(CultureInfo.InvariantCulture, $"{reason}; trying again in {delay.TotalMilliseconds:0} ms"));
    }
}
