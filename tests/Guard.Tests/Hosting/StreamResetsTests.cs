using Guard.Hosting;

namespace Guard.Tests.Hosting;

public sealed class StreamResetsTests
{
    [Fact]
    public void Count_OnlyResets_LeavesAtOneMoreThanAllowedAndIsCutAfterTheGrace()
    {
        var resets = new StreamResets(3);

        var verdicts = Enumerable.Range(0, 5 + StreamResets.Grace).Select(_ => resets.Count(isReset: true)).ToArray();

        Assert.Equal(
            [.. Enumerable.Repeat(StreamResetsVerdict.Go, 3), StreamResetsVerdict.Leave, .. Enumerable.Repeat(StreamResetsVerdict.Go, StreamResets.Grace - 1), StreamResetsVerdict.Cut, StreamResetsVerdict.Cut],
            verdicts);
    }

    [Fact]
    public void Count_HalfAreAnswered_Goes()
    {
        var resets = new StreamResets(3);

        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(StreamResetsVerdict.Go, resets.Count(isReset: false));
            Assert.Equal(StreamResetsVerdict.Go, resets.Count(isReset: true));
        }
    }
}
