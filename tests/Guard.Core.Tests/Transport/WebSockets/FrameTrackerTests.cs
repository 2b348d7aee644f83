using Guard.Core.Tests.Transport.Http;
using Guard.Core.Transport.WebSockets;

namespace Guard.Core.Tests.Transport.WebSockets;

public sealed class FrameTrackerTests
{
    [Fact]
    public void Advance_RandomFramesCutAnywhere_KnowsEveryBoundary()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var random = new Random(seed);
            var frames = WebSocketFrames.Random(random, 12);
            var bytes = frames.Bytes;
            var ends = frames.Ends.ToHashSet();
            var tracker = default(FrameTracker);
            for (var at = 0; at < bytes.Length;)
            {
                var count = Math.Min(bytes.Length - at, random.Next(10) == 0 ? random.Next(1, 100_000) : random.Next(1, 9));
                tracker.Advance(bytes.AsSpan(at, count));
                at += count;
                Assert.True(tracker.IsAtBoundary == ends.Contains(at), $"seed {seed}, after {at} of {bytes.Length} bytes");
            }

            Assert.False(tracker.SawClose);
        }
    }

    [Fact]
    public void AdvanceToBoundary_RandomFramesCutAnywhere_StopsAtEveryEnd()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var random = new Random(seed);
            var frames = WebSocketFrames.Random(random, 6);
            var bytes = frames.Bytes;
            var stops = new List<int>();
            var tracker = default(FrameTracker);
            for (var at = 0; at < bytes.Length;)
            {
                at += tracker.AdvanceToBoundary(bytes.AsSpan(at, Math.Min(bytes.Length - at, random.Next(1, 5000))));
                if (tracker.IsAtBoundary)
                {
                    stops.Add(at);
                }
            }

            Assert.Equal(frames.Ends, stops);
        }
    }

    [Theory]
    [InlineData(8, true)]
    [InlineData(9, false)]
    [InlineData(2, false)]
    public void SawClose_OnlyAfterAWholeCloseFrame(int opcode, bool expected)
    {
        var frames = new WebSocketFrames();
        frames.Add(new Random(1), isFinal: true, opcode, 2, masked: true);
        var bytes = frames.Bytes;
        var tracker = default(FrameTracker);

        tracker.Advance(bytes.AsSpan(0, bytes.Length - 1));
        Assert.False(tracker.SawClose);
        tracker.Advance(bytes.AsSpan(bytes.Length - 1));
        Assert.Equal(expected, tracker.SawClose);
    }

    [Fact]
    public void Advance_LengthBeyondAnyMessage_NeverAtBoundaryNorFailing()
    {
        var tracker = default(FrameTracker);
        tracker.Advance([0x82, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);

        tracker.Advance(new byte[100_000]);

        Assert.False(tracker.IsAtBoundary);
    }

    [Fact]
    public void Advance_ShortLengthInLongForm_IsFollowed()
    {
        var frames = new WebSocketFrames();
        frames.Add(new Random(1), isFinal: true, 2, 3, masked: false, longForm: true);
        var tracker = default(FrameTracker);

        tracker.Advance(frames.Bytes);

        Assert.True(tracker.IsAtBoundary);
    }
}
