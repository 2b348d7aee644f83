using Guard.Auth;
using Guard.Demo;
using Guard.Hosting;
using Guard.Import;

SocketScheduling.PreferInline();
try
{
    if (HashTokenCommand.IsAsked(args))
    {
        return await HashTokenCommand.RunAsync(args, Console.In, Console.Out, Console.Error);
    }

    if (ImportCommand.IsAsked(args))
    {
        return await ImportCommand.RunAsync(args);
    }

    var demo = DemoMode.TryTake(ref args);
    await using var app = GuardApp.Build(args, demo ? new GuardAppParts { Configure = DemoMode.AddTo } : null);
    await app.RunAsync();
    return Environment.ExitCode;
}
catch (Exception e) when (StartupFailure.Describe(e) is { } line)
{
    await Console.Error.WriteLineAsync($"guard: {line}");
    return StartupFailure.ExitCode;
}
