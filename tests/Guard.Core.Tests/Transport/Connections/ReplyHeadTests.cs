using System.Text;
using Guard.Core.Transport.Connections;

namespace Guard.Core.Tests.Transport.Connections;

public sealed class ReplyHeadTests
{
    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")]
    [InlineData("HTTP/1.1 200\r\n\r\n")]
    [InlineData("HTTP/1.0 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")]
    [InlineData("HTTP/1.1 200 caf\u00e9\r\nx: caf\u00e9\t\r\nx:\r\n\r\n")]
    public void Read_AnyPieces_CompleteAtTheLastByte(string head)
    {
        var bytes = Encoding.Latin1.GetBytes(head + "body\n\0");
        for (var size = 1; size <= bytes.Length; size++)
        {
            var reader = new ReplyHead();
            reader.Expect();
            var completeAt = 0;
            for (var at = 0; at < bytes.Length; at += size)
            {
                Assert.Null(reader.Read(bytes.AsSpan(at, Math.Min(size, bytes.Length - at))));
                completeAt = reader.IsComplete && completeAt == 0 ? at + size : completeAt;
            }

            Assert.InRange(completeAt, head.Length, head.Length + size - 1);
        }
    }

    [Fact]
    public void Read_NextReply_StartsOver()
    {
        var reader = new ReplyHead();
        for (var i = 0; i < 3; i++)
        {
            reader.Expect();
            Assert.Null(reader.Read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"u8));
            Assert.True(reader.IsComplete);
            Assert.False(reader.IsUpgrade);
        }
    }

    [Fact]
    public void Read_WholeHead_AllocatesNothing()
    {
        var reader = new ReplyHead();
        Read();
        var before = GC.GetAllocatedBytesForCurrentThread();

        Read();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Read()
        {
            reader.Expect();
            if (reader.Read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"u8) is not null)
            {
                throw new InvalidOperationException();
            }
        }
    }
}
