using System.Globalization;
using Guard.Load.Guards;
using Guard.Load.Processes;

namespace Guard.Load.Proxies;

/// <summary>Starts what a run compares, by name.</summary>
internal sealed class Subjects(Upstream upstream, CancellationToken cancellationToken)
{
    public const string Names = "guard, guard-memory, guard-aot, yarp, yarp-tuned, haproxy, nginx, reply, direct";
    private const string Pool = "load";

    private RedisProcess? _redis;

    public async Task<Subject> StartAsync(string name) => name switch
    {
        "guard" => await GuardAsync(name, Repository.Guard, await RedisAsync(), null),
        "guard-memory" => await GuardAsync(name, Repository.Guard, null, null),
        "guard-aot" => await GuardAsync(name, Repository.NativeGuard ?? throw new LoadException("publish the native binary first: tests/aot/smoke.sh"), await RedisAsync(), null),
        "yarp" => await BaselineAsync(name, null, "proxy", "--to", upstream.Url),
        "yarp-tuned" => await BaselineAsync(name, Tuning.Jit, "proxy", "--to", upstream.Url, "--tuned"),
        "reply" => await BaselineAsync(name, Tuning.Jit, "reply"),
        "haproxy" => await HaproxyAsync(),
        "nginx" => await NginxAsync(),
        "direct" => new Subject(name, upstream.Process, upstream.Port, null),
        _ => throw new LoadException($"'{name}' is not known; choose from {Names}"),
    };

    /// <summary>A Guard with settings of its own: <c>name:KEY=VALUE,KEY=VALUE</c>. The special key <c>dll</c> names another build.</summary>
    public async Task<Subject> StartVariantAsync(string text)
    {
        var (name, settings) = text.Split(':', 2) is [var n, var s] ? (n, s) : (text, "");
        var environment = settings.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[^1]);
        var command = environment.Remove("dll", out var dll) ? ["dotnet", dll] : Repository.Guard;
        return await GuardAsync(name, command, await RedisAsync(), environment);
    }

    private async Task<RedisProcess> RedisAsync() => _redis ??= await RedisProcess.StartAsync(cancellationToken);

    private async Task<Subject> GuardAsync(string name, string[] command, RedisProcess? redis, IReadOnlyDictionary<string, string>? environment)
    {
        var guard = await GuardProcess.StartAsync(name, command, redis, environment, cancellationToken);
        await guard.Control.PutPoolAsync(Pool, cancellationToken);
        await guard.Control.PutRunnerAsync(Pool, upstream.Url, 1000, cancellationToken);
        var actor = await guard.Control.PutActorAsync(Pool, "counter", "k1", cancellationToken);
        _ = guard.Control.ScrapeAsync(cancellationToken);
        return new Subject(name, guard.Child, guard.GatewayPort, guard.H2Port, $"/gateway/{actor}");
    }

    private async Task<Subject> BaselineAsync(string name, IReadOnlyDictionary<string, string>? environment, params string[] arguments)
    {
        var port = Ports.Free();
        var h2Port = Ports.Free();
        var child = Child.Start(name, Cores.Proxy, [.. Repository.Baseline, .. arguments, "--port", Text(port), "--h2c-port", Text(h2Port)], environment);
        await Ports.WaitAsync(port, child, cancellationToken);
        await Ports.WaitAsync(h2Port, child, cancellationToken);
        return new Subject(name, child, port, h2Port);
    }

    private async Task<Subject> HaproxyAsync()
    {
        var (port, h2Port) = (Ports.Free(), Ports.Free());
        var file = Write("haproxy.cfg",
            $"""
             global
               nbthread 1
               maxconn 4000
             defaults
               mode http
               timeout connect 5s
               timeout client 100s
               timeout server 100s
               http-reuse always
               option forwardfor
             frontend f
               bind 127.0.0.1:{port}
               bind 127.0.0.1:{h2Port} proto h2
               default_backend b
             backend b
               server s 127.0.0.1:{upstream.Port}

             """);
        var child = Child.Start("haproxy", Cores.Proxy, [Tools.Find("haproxy"), "-db", "-f", file]);
        await Ports.WaitAsync(port, child, cancellationToken);
        return new Subject("haproxy", child, port, h2Port);
    }

    private async Task<Subject> NginxAsync()
    {
        var (port, h2Port) = (Ports.Free(), Ports.Free());
        var file = Write("nginx.conf",
            $$"""
              daemon off;
              master_process off;
              pid /dev/null;
              error_log stderr warn;
              events { worker_connections 8000; }
              http {
                access_log off;
                client_body_temp_path /tmp;
                proxy_temp_path /tmp;
                keepalive_requests 100000000;
                map $http_upgrade $connection_to_upstream { default upgrade; '' ''; }
                upstream u { server 127.0.0.1:{{upstream.Port}}; keepalive 1024; keepalive_requests 100000000; }
                server {
                  listen 127.0.0.1:{{port}};
                  listen 127.0.0.1:{{h2Port}} http2;
                  location / {
                    proxy_pass http://u;
                    proxy_http_version 1.1;
                    proxy_set_header Connection $connection_to_upstream;
                    proxy_set_header Upgrade $http_upgrade;
                    proxy_set_header X-Forwarded-For $remote_addr;
                    proxy_set_header Host $host;
                    proxy_buffering off;
                  }
                }
              }

              """);
        var child = Child.Start("nginx", Cores.Proxy, [Tools.Find("nginx"), "-c", file]);
        await Ports.WaitAsync(port, child, cancellationToken);
        return new Subject("nginx", child, port, h2Port);
    }

    private static string Write(string name, string text)
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("guard-load-").FullName, name);
        File.WriteAllText(file, text);
        return file;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
