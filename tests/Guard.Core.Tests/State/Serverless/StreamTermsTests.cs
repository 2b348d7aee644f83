using Guard.Core.State.Serverless;
using Guard.Model.Pools;

namespace Guard.Core.Tests.State.Serverless;

public sealed class StreamTermsTests
{
    private static readonly ServerlessPoolConfig Config = new()
    {
        Url = "https://fn.test/api",
        RequestLifespan = 60,
        Headers = new Dictionary<string, string> { ["X-A"] = "1", ["X-B"] = "2" },
    };

    private static string With(params (string Name, string Value)[] headers)
        => StreamTerms.Of(Config with { Headers = headers.ToDictionary(h => h.Name, h => h.Value) });

    [Fact]
    public void Of_UrlOrHeadersDiffer_Differs()
    {
        Assert.NotEqual(StreamTerms.Of(Config), StreamTerms.Of(Config with { Url = "https://fn.test/other" }));
        Assert.NotEqual(StreamTerms.Of(Config), With(("X-A", "1")));
        Assert.NotEqual(StreamTerms.Of(Config), With(("X-A", "1"), ("X-B", "3")));
    }

    [Fact]
    public void Of_OtherOrderCaseOrScale_IsTheSame()
    {
        Assert.Equal(StreamTerms.Of(Config), With(("x-b", "2"), ("x-a", "1")));
        Assert.Equal(StreamTerms.Of(Config), StreamTerms.Of(Config with { SlotsPerRunner = 9, MaxRunners = 3, RequestLifespan = 99 }));
    }
}
