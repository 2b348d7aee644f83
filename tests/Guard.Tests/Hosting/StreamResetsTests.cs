using Guard.Hosting;

namespace Guard.Tests.Hosting;

public sealed class StreamResetsTests
{
    [Fact]
    public void IsTooMany_OnlyResets_AtOneMoreThanAllowed()
    {
        var resets = new StreamResets(3);

        Assert.Equal([false, false, false, true], Enumerable.Range(0, 4).Select(_ => resets.IsTooMany(isReset: true)));
    }

    [Fact]
    public void IsTooMany_HalfAreAnswered_Never()
    {
        var resets = new StreamResets(3);

        for (var i = 0; i < 100; i++)
        {
            Assert.False(resets.IsTooMany(isReset: false));
            Assert.False(resets.IsTooMany(isReset: true));
        }
    }
}
