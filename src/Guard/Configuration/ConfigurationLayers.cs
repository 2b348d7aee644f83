using Guard.Core.Options;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.FileProviders.Physical;

namespace Guard.Configuration;

/// <summary>
/// Where configuration comes from, weakest first: built-in defaults, <c>appsettings.json</c>, <c>appsettings.{Environment}.json</c>, the
/// file named by <c>GUARD_CONFIG</c>, environment variables, command line.
/// </summary>
internal static class ConfigurationLayers
{
    /// <summary>The environment variable that names a configuration file.</summary>
    public const string FileVariable = "GUARD_CONFIG";

    /// <summary>Switches a framework's own reading of <c>x-forwarded-*</c> on, without any list of proxies.</summary>
    private const string ForwardedHeadersKey = "ForwardedHeaders_Enabled";

    /// <summary>What a Guard without any file does; everything under <c>Guard</c> has its default in <see cref="GuardOptions"/>.</summary>
    private static readonly Dictionary<string, string?> Defaults = new()
    {
        ["Logging:LogLevel:Default"] = "Information",
        ["Logging:LogLevel:Microsoft"] = "Warning",

        // At any other level the server makes an activity and a log scope for each request, though it has nothing to say.
        ["Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics"] = "None",
        ["Logging:LogLevel:System.Net.Http"] = "Warning",
        ["Logging:LogLevel:Yarp"] = "Warning",

        // Whoever logs, a thread that serves sockets among them, must not wait for a terminal that does not read.
        ["Logging:Console:QueueFullMode"] = "DropWrite",
        ["Logging:Console:FormatterName"] = "simple",
        ["Logging:Console:FormatterOptions:SingleLine"] = "true",
        ["Logging:Console:FormatterOptions:UseUtcTimestamp"] = "true",
        ["Logging:Console:FormatterOptions:TimestampFormat"] = "yyyy-MM-ddTHH:mm:ss.fffZ ",
    };

    /// <summary>A builder with these layers and nothing else: no server, no logging, no services yet. Throws
    /// <see cref="ConfigurationException"/> when a file is missing or cannot be read.</summary>
    public static WebApplicationBuilder CreateBuilder(string[] args)
    {
        var host = new ConfigurationBuilder().AddEnvironmentVariables("ASPNETCORE_").AddEnvironmentVariables("DOTNET_").AddCommandLine(args).Build();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions
        {
            ApplicationName = "guard",
            EnvironmentName = host[HostDefaults.EnvironmentKey],
            ContentRootPath = host[HostDefaults.ContentRootKey],
        });
        try
        {
            Add(builder.Configuration, builder.Environment, args);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException or FormatException)
        {
            throw new ConfigurationException(DescribeReadFailure(e), e);
        }

        if (IsTrue(host[ForwardedHeadersKey]) || IsTrue(builder.Configuration[ForwardedHeadersKey]))
        {
            throw new ConfigurationException(
                "ASPNETCORE_FORWARDEDHEADERS_ENABLED: 'true' is not allowed, because it believes the x-forwarded-* headers of every client; name your proxies in Guard:Gateway:TrustedProxies instead");
        }

        return builder;
    }

    private static bool IsTrue(string? text) => string.Equals(text, "true", StringComparison.OrdinalIgnoreCase);

    /// <summary>What is wrong, in one line, from the outermost message to the innermost; each says what the one before did not.</summary>
    public static string DescribeReadFailure(Exception exception)
    {
        var text = "";
        for (var e = exception; e is not null; e = e.InnerException)
        {
            var message = e.Message.ReplaceLineEndings(" ").Trim();
            if (!text.Contains(message.TrimEnd('.'), StringComparison.OrdinalIgnoreCase))
            {
                text = $"{text} {message}".TrimStart();
            }
        }

        return text;
    }

    private static void Add(ConfigurationManager configuration, IHostEnvironment environment, string[] args)
    {
        configuration.AddInMemoryCollection(Defaults);
        AddFile(configuration, Path.Combine(environment.ContentRootPath, "appsettings.json"), optional: true);
        AddFile(configuration, Path.Combine(environment.ContentRootPath, $"appsettings.{environment.EnvironmentName}.json"), optional: true);
        if (Environment.GetEnvironmentVariable(FileVariable) is { Length: > 0 } file)
        {
            if (!File.Exists(file))
            {
                throw new ConfigurationException($"{FileVariable}: {OptionProblem.Quote(file)} is not allowed; expected the path of a JSON file that exists and can be read");
            }

            AddFile(configuration, Path.GetFullPath(file), optional: false);
        }

        configuration.AddEnvironmentVariables();
        configuration.AddCommandLine(args);
    }

    /// <summary>Adds a JSON file as the strongest layer so far. Throws <see cref="InvalidDataException"/> when it is no JSON, and
    /// <see cref="FileNotFoundException"/> when it is missing and not optional.</summary>
    public static void AddFile(ConfigurationManager configuration, string path, bool optional)
        => configuration.Sources.Add(new JsonConfigurationSource
        {
            // Files are watched by SettledFileWatch. The provider's own watcher puts a watch on every directory below this one
            // and does not see a mounted Kubernetes volume change.
            FileProvider = new PhysicalFileProvider(Path.GetDirectoryName(path)!, ExclusionFilters.None),
            Path = Path.GetFileName(path),
            Optional = optional,
            ReloadOnChange = false,
        });
}
