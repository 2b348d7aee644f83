namespace Guard.Baseline;

/// <summary>The least a Kestrel application can do: what of a proxy's cost is the server's half.</summary>
internal static class BareReply
{
    private static readonly byte[] Body = "ok"u8.ToArray();

    public static Task RunAsync(Arguments arguments)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenLoopback(arguments));
        var app = builder.Build();
        app.Run(static async context =>
        {
            context.Response.ContentLength = Body.Length;
            await context.Response.Body.WriteAsync(Body);
        });
        return app.RunAsync();
    }
}
