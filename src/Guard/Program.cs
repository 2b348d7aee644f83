using Guard.Hosting;

try
{
    await using var app = GuardApp.Build(args);
    await app.RunAsync();
    return Environment.ExitCode;
}
catch (Exception e) when (StartupFailure.Describe(e) is { } line)
{
    await Console.Error.WriteLineAsync($"guard: {line}");
    return StartupFailure.ExitCode;
}
