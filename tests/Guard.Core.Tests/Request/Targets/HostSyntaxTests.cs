using Guard.Core.Request.Targets;

namespace Guard.Core.Tests.Request.Targets;

public sealed class HostSyntaxTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("A.Example.com:8080")]
    [InlineData("a.example.")]
    [InlineData("a_b.example")]
    [InlineData("xn--bcher-kva.example")]
    [InlineData("127.0.0.1:1")]
    [InlineData("[::1]")]
    [InlineData("[2001:db8::1]:65535")]
    public void IsValid_Host_True(string host) => Assert.True(HostSyntax.IsValid(host));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData(".a")]
    [InlineData("a..b")]
    [InlineData("-a")]
    [InlineData("a._b")]
    [InlineData("!a")]
    [InlineData("$a")]
    [InlineData("'")]
    [InlineData("a%41")]
    [InlineData("a:")]
    [InlineData(":80")]
    [InlineData("a:+8")]
    [InlineData("a:65536")]
    [InlineData("a:8:8")]
    [InlineData("u@a")]
    [InlineData("::1")]
    [InlineData("[::1")]
    [InlineData("[127.0.0.1]")]
    [InlineData("[fe80::1%eth0]")]
    [InlineData("[::1]8")]
    public void IsValid_Anything_False(string host) => Assert.False(HostSyntax.IsValid(host));

    /// <summary>The HTTP client puts a Host of its own beside one that it cannot read: every host that is valid here must be one there.</summary>
    [Fact]
    public void IsValid_RandomHosts_TheHttpClientReadsThemToo()
    {
        const string Alphabet = "aB09-_..::[]x";
        var random = new Random(1);
        var valid = 0;
        for (var i = 0; i < 200_000; i++)
        {
            var host = string.Create(random.Next(1, 12), random, static (span, random) =>
            {
                foreach (ref var c in span)
                {
                    c = Alphabet[random.Next(Alphabet.Length)];
                }
            });
            if (HostSyntax.IsValid(host))
            {
                valid++;
                using var request = new HttpRequestMessage();
                request.Headers.TryAddWithoutValidation("Host", host);
                Assert.True(request.Headers.Host == host, host);
            }
        }

        Assert.True(valid > 10_000, $"{valid} valid");
    }
}
