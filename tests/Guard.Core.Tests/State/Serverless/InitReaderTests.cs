using System.Text;
using Guard.Core.Options;
using Guard.Core.State.Serverless;
using Guard.Core.Transport.Connections;
using Guard.Model.Pools;

namespace Guard.Core.Tests.State.Serverless;

public sealed class InitReaderTests
{
    private static readonly ServerlessPoolConfig Config = new() { Url = "https://lobby.example.com/api", RequestLifespan = 900, SlotsPerRunner = 10 };

    [Theory]
    [InlineData("""{"version":0}""", 0, "https://lobby.example.com/api", 10, null, true)]
    [InlineData("""{"version":3,"endpoint":null,"total_slots":null,"key":null,"more":{"a":1}}""", 3, "https://lobby.example.com/api", 10, null, true)]
    [InlineData("""{"version":3,"total_slots":4,"key":"i-1"}""", 3, "https://lobby.example.com/api", 4, "i-1", true)]
    [InlineData("""{"version":3,"total_slots":9000000000000,"key":"ü"}""", 3, "https://lobby.example.com/api", 10, "ü", true)]
    [InlineData("""{"version":3,"endpoint":"http://LOBBY.example.com:8080/x/"}""", 3, "http://lobby.example.com:8080/x", 10, null, false)]
    public void Read_Valid_IsCompleted(string json, int version, string endpoint, int slots, string? key, bool byKey)
    {
        var init = Read(json, out var problem);

        Assert.Equal("", problem);
        Assert.Equal(new ServerlessInit(version, endpoint, slots, key, byKey), init);
    }

    [Theory]
    [InlineData("[]", "the first message must be a JSON object")]
    [InlineData("7", "the first message must be a JSON object")]
    [InlineData("{", "the first message is base64, but not of JSON")]
    [InlineData("", "the first message is base64, but not of JSON")]
    [InlineData("""{"version":1} x""", "the first message is base64, but not of JSON")]
    [InlineData("""{"version":1,"version":2}""", "the first message is base64, but not of JSON")]
    [InlineData("{}", "version: must be a whole number from 0 to 2147483647")]
    [InlineData("""{"version":null}""", "version: must be a whole number from 0 to 2147483647")]
    [InlineData("""{"version":"1"}""", "version: must be a whole number from 0 to 2147483647")]
    [InlineData("""{"version":1.5}""", "version: must be a whole number from 0 to 2147483647")]
    [InlineData("""{"version":-1}""", "version: must be a whole number from 0 to 2147483647")]
    [InlineData("""{"version":2147483648}""", "version: must be a whole number from 0 to 2147483647")]
    [InlineData("""{"version":1,"total_slots":0}""", "total_slots: must be a whole number of at least 1")]
    [InlineData("""{"version":1,"total_slots":-3}""", "total_slots: must be a whole number of at least 1")]
    [InlineData("""{"version":1,"total_slots":"5"}""", "total_slots: must be a whole number of at least 1")]
    [InlineData("""{"version":1,"key":""}""", "key: must be 1 to 128 characters, none of them a control character")]
    [InlineData("""{"version":1,"key":"a\nb"}""", "key: must be 1 to 128 characters, none of them a control character")]
    [InlineData("""{"version":1,"key":5}""", "key: must be 1 to 128 characters, none of them a control character")]
    [InlineData("""{"version":1,"key":"\ud800"}""", "the first message holds a text that is not valid Unicode")]
    [InlineData("""{"version":1,"endpoint":5}""", "endpoint: must be a text")]
    [InlineData("""{"version":1,"endpoint":"ftp://lobby.example.com"}""", "endpoint: must be an absolute http or https URL")]
    [InlineData("""{"version":1,"endpoint":"http://u:p@lobby.example.com"}""", "endpoint: must not carry user information")]
    [InlineData("""{"version":1,"endpoint":"http://169.254.169.254"}""", "endpoint: points to an address that is not allowed for runners")]
    [InlineData("""{"version":1,"endpoint":"http://evil.example.com"}""", "endpoint: must have the host of the pool's url, lobby.example.com, unless Runners:AllowedEndpoints lists another")]
    [InlineData("""{"version":1,"endpoint":"http://lobby.example.com.evil.com"}""", "endpoint: must have the host of the pool's url, lobby.example.com, unless Runners:AllowedEndpoints lists another")]
    public void Read_Invalid_SaysWhatIsWrong(string json, string expected)
    {
        Assert.Null(Read(json, out var problem));
        Assert.Equal(expected, problem);
    }

    [Theory]
    [InlineData("not base64")]
    [InlineData("eyJ2ZXJzaW9uIjoxfQ")] // without its padding
    [InlineData("é")]
    public void Read_NotBase64_IsRefused(string data)
    {
        Assert.Null(Reader().Read(data, Config, out var problem));
        Assert.Equal("the first message is not base64", problem);
    }

    [Theory]
    [InlineData("http://runner-7.fly.example:8080", true)]
    [InlineData("http://10.1.2.3:8080", true)]
    [InlineData("http://other.example.com", true)] // where it leads is judged at connect, by the networks listed
    [InlineData("http://11.1.2.3:8080", false)]
    public void Read_AnotherHost_IsAllowedWhereItIsListed(string endpoint, bool allowed)
    {
        var reader = Reader("*.fly.example", "10.0.0.0/8");

        Assert.Equal(allowed, reader.Read(Base64($$"""{"version":1,"endpoint":"{{endpoint}}"}"""), Config, out _) is not null);
    }

    private static ServerlessInit? Read(string json, out string problem) => Reader().Read(Base64(json), Config, out problem);

    private static string Base64(string json) => Convert.ToBase64String(Encoding.UTF8.GetBytes(json));

    private static InitReader Reader(params string[] allowed)
    {
        var options = new GuardOptions();
        options.Runners.AllowedEndpoints = allowed.Length == 0 ? null : [.. allowed];
        return new InitReader(new EndpointPolicy(new LiveOptions(options)));
    }
}
