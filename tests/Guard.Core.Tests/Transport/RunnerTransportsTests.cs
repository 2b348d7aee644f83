using Guard.Core.Transport;
using Guard.Core.Transport.Http;
using Guard.Core.Transport.Implicit;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;

namespace Guard.Core.Tests.Transport;

public sealed class RunnerTransportsTests
{
    private static readonly RunnerLocation.Http At = new("http://127.0.0.1:9001", RunnerProtocol.Http1);

    [Fact]
    public void Of_EachLocation_ItsTransport()
    {
        var http = new HttpTransport(null!, null!);
        var runners = ImplicitTransport.TableOver(http);

        Assert.Same(http, runners.Of(new("r", At)));
        Assert.IsType<ImplicitTransport>(runners.Of(new("r", new RunnerLocation.Implicit(At))));
    }

    [Fact]
    public async Task StartAndStop_Implicit_DoneWithoutACall()
    {
        // No transport beneath: a call would fail.
        var runners = ImplicitTransport.TableOver(null!);
        var runner = new RunnerAddress("r", new RunnerLocation.Implicit(At));
        var actor = new ActorRecord { Id = ActorId.New(1), Name = "a", Pool = new("n", "p") };

        Assert.Equal(StartReply.Ready, (await runners.StartAsync(actor, runner)).Reply);
        Assert.Equal(StopReply.Stopped, await runners.StopAsync(runner, actor.Id, 1, "sleep"));
    }

    [Theory]
    [InlineData("http://r", "/../x", true)]
    [InlineData("http://r/base", "/x/../y", true)]
    [InlineData("http://r/base", "/x?a=/../..", true)]
    [InlineData("http://r/base", "/../x", false)]
    [InlineData("http://r/base", "/%252e%252e/.guard", false)]
    public void Admits_AlsoThroughImplicit_NothingBesideTheActor(string url, string target, bool admits)
    {
        var runners = ImplicitTransport.TableOver(new HttpTransport(null!, null!));
        var at = new RunnerLocation.Http(url, RunnerProtocol.Http1);
        foreach (var location in new RunnerLocation[] { at, new RunnerLocation.Implicit(at) })
        {
            var runner = new RunnerAddress("r", location);
            Assert.Equal(admits, runners.Of(runner).Admits(runner, target));
        }
    }
}
