using Guard.Core.State.Pools;
using Guard.Core.State.Serverless;
using Guard.Model.Pools;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Core.Tests.State.Serverless;

/// <summary>Versions that endpoints announce.</summary>
public sealed class ServerlessVersionTests
{
    private readonly ServerlessHarness _h = new();

    private ScriptedEndpoint Endpoint => _h.Endpoints;

    private async Task EstablishedAsync()
    {
        await _h.WithPoolAsync(ServerlessHarness.Endpoint with { MinRunners = 1 });
        Endpoint.Answer = c => c.Init(version: 1);
        await _h.LookAsync();
        await _h.UntilAsync(() => Endpoint.Open == 1 && _h.Streams.HasAny(ServerlessHarness.Pool), "a stream");
    }

    [Fact]
    public async Task Metadata_HigherVersion_ReplacedFirstThenTheOldDrains()
    {
        await EstablishedAsync();
        Endpoint.Answer = null;
        Endpoint.Metadata = new(2);

        await _h.PassAsync(TimeSpan.FromSeconds(12));
        Assert.Equal(2, Endpoint.Connects.Count);
        Assert.All(await _h.RunnersAsync(), r => Assert.Equal(0, r.DrainTs));
        Endpoint.Connects[1].Complete(Endpoint.Connects[1].Init(version: 2));

        // The beat that closes what has drained runs on its own.
        for (var i = 0; i < 100 && (await _h.RunnersAsync()).Any(r => r.Version == 1); i++)
        {
            await _h.PassAsync(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(2, Assert.Single(await _h.RunnersAsync()).Version);
        await _h.PassAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(2, Endpoint.Connects.Count);
    }

    [Fact]
    public async Task Metadata_HigherVersionButInitsAreOld_TakenAsTheyAreAndNoLoop()
    {
        await EstablishedAsync();
        Endpoint.Metadata = new(2);

        await _h.PassAsync(TimeSpan.FromSeconds(120));

        Assert.Equal(2, Endpoint.Connects.Count);
        Assert.Equal(1, Endpoint.Open);
        Assert.Single(_h.Log.Lines, l => l.Contains("announces a higher version", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Metadata_FailsOrLower_LoggedOnceAndNothingElse()
    {
        await EstablishedAsync();
        Endpoint.Metadata = new(null, MetadataFault.NonSuccessStatus, "500");
        await _h.PassAsync(TimeSpan.FromSeconds(30));
        Endpoint.Metadata = new(0);
        await _h.PassAsync(TimeSpan.FromSeconds(30));

        Assert.Single(Endpoint.Connects);
        Assert.Equal(2, _h.Metadata.Lines.Count);
        Assert.False((await _h.ReadHealthAsync()).IsRed);
        Assert.InRange(Endpoint.MetadataReads, 5, 6);
    }

    [Fact]
    public async Task Metadata_NoConnections_IsNotRead()
    {
        await _h.WithPoolAsync();

        await _h.PassAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(0, Endpoint.MetadataReads);
    }

    [Fact]
    public void AnnouncedVersion_OldInitOfAConnectBegunBefore_ShakesNothing()
    {
        var time = new FakeTimeProvider();
        var version = new AnnouncedVersion(time);
        var before = time.GetTimestamp();
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(Announcement.Upgrade, version.Read(2, 1));

        Assert.False(version.Connected(1, before));
        Assert.Equal(2, version.Believed);
        Assert.True(version.Connected(1, time.GetTimestamp()));
        Assert.Null(version.Believed);
        Assert.Equal(Announcement.Nothing, version.Read(2, 1));
        Assert.Null(version.Believed);
        Assert.Equal(Announcement.Upgrade, version.Read(3, 1));
        Assert.Equal(3, version.Believed);
    }

    [Fact]
    public void ConnectOutlook_FailureThenTimeThenSuccess_SaysSo()
    {
        var time = new FakeTimeProvider();
        var outlook = new ConnectOutlook(time);
        Assert.Null(outlook.NextConnect(ServerlessHarness.Pool));
        outlook.ConnectEnded(ServerlessHarness.Pool, PoolErrorKind.Downgrade, TimeSpan.FromSeconds(4));
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(TimeSpan.FromSeconds(3), outlook.NextConnect(ServerlessHarness.Pool));
        Assert.Equal(new PoolError(PoolErrorKind.Downgrade), outlook.LastError(ServerlessHarness.Pool));
        time.Advance(TimeSpan.FromSeconds(4));
        Assert.Null(outlook.NextConnect(ServerlessHarness.Pool));
        Assert.NotNull(outlook.LastError(ServerlessHarness.Pool));
        outlook.ConnectEnded(ServerlessHarness.Pool, null, TimeSpan.Zero);
        Assert.Null(outlook.LastError(ServerlessHarness.Pool));
    }
}
