using System.Numerics;
using CsCheck;
using Guard.Model.Ids;

namespace Guard.Core.Tests.Model.Ids;

public sealed class ActorIdTests
{
    private static readonly Gen<byte[]> Bytes = Gen.Select(Gen.Byte.Array[16], Gen.UShort[1, ushort.MaxValue])
        .Select((uuid, label) => (byte[])[1, .. uuid, (byte)(label >> 8), (byte)label]);

    /// <summary>The format as its definition reads, one digit at a time.</summary>
    private static string Encode(BigInteger number)
    {
        var text = new char[30];
        for (var i = 0; i < text.Length; i++)
        {
            number = BigInteger.DivRem(number, 36, out var digit);
            text[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[(int)digit];
        }

        Assert.True(number.IsZero, "the number has more than 30 digits");
        return new string(text);
    }

    private static string Encode(byte[] bytes) => Encode(new BigInteger(bytes, isUnsigned: true, isBigEndian: false));

    [Fact]
    public void GetHashCode_IdsMadeToCollideWithoutTheSeed_DoNotWithIt()
    {
        var random = new Random(7);
        var seed = (ulong)random.NextInt64();
        ActorId[] sameUnseeded = [.. Enumerable.Range(0, 1000).Select(i => IdOf((ulong)i * 0x9E3779B97F4A7C15, (ulong)i, 1))];
        ActorId[] sameUuid = [.. Enumerable.Range(1, 1000).Select(label => IdOf(5, 5, (ushort)label))];
        ActorId[] topBits = [.. Enumerable.Range(0, 1000).Select(i => IdOf((ulong)i << 54, 5, 1))];

        Assert.Single(sameUnseeded.Select(id => id.GetHashCode()).Distinct());
        Assert.All([sameUnseeded, sameUuid, topBits], ids => Assert.InRange(ids.Select(id => id.GetHashCode(seed) & 0xFFFFF).Distinct().Count(), 990, 1000));
    }

    private static ActorId IdOf(ulong low, ulong high, ushort label)
        => ActorId.Parse(Encode([1, .. BitConverter.GetBytes(low), .. BitConverter.GetBytes(high), (byte)(label >> 8), (byte)label]));

    [Theory]
    [InlineData("6f1d2c3b-4a59-4e68-8777-869594a3b2c1", 1, "9ekfqg0n2918ayrwkqimbdvfvncl00")]
    [InlineData("00000000-0000-4000-8000-000000000000", 1, "hkay2d8eub5p74v1pfgpr7isbeal00")]
    [InlineData("ffffffff-ffff-4fff-bfff-ffffffffffff", 65535, "pq0xpd3ll8u352yrllv019jpuvxd74")]
    [InlineData("0f9e8d7c-6b5a-4988-9766-554433221100", 43981, "dl4r76kdlz8lffr955l4udxhnifmd3")]
    public void TryParse_KnownIds_GiveTheirLabel(string uuid, int label, string text)
    {
        var bytes = (byte[])[1, .. Guid.Parse(uuid).ToByteArray(bigEndian: true), (byte)(label >> 8), (byte)label];
        Assert.Equal(text, Encode(bytes));
        Assert.True(ActorId.TryParse(text, out var id));
        Assert.Equal(label, id.Label);
        Assert.Equal(text, id.ToString());
    }

    [Fact]
    public void TryParse_EveryIdOfTheFormat_RoundTrips()
        => Bytes.Sample(bytes =>
        {
            var text = Encode(bytes);
            return ActorId.TryParse(text, out var id) && id.ToString() == text && id.Label == (bytes[17] << 8 | bytes[18]);
        });

    [Fact]
    public void TryParse_UpperAndMixedCase_GiveTheSameId()
        => Gen.Select(Bytes, Gen.Bool.Array[30]).Sample((bytes, upper) =>
        {
            var text = Encode(bytes);
            var mixed = string.Concat(text.Select((c, i) => upper[i] ? char.ToUpperInvariant(c) : c));
            return ActorId.Parse(mixed) == ActorId.Parse(text) && ActorId.Parse(text.ToUpperInvariant()).ToString() == text;
        });

    [Fact]
    public void TryParse_NumbersAbove19Bytes_AreRefused()
        => Gen.Select(Bytes, Gen.Byte[1, byte.MaxValue]).Sample((bytes, high) =>
        {
            var number = new BigInteger([.. bytes, high], isUnsigned: true, isBigEndian: false);
            return number >= BigInteger.Pow(36, 30) || !ActorId.TryParse(Encode(number), out _);
        });

    [Fact]
    public void TryParse_AllDigitsHighest_IsRefused() => Assert.False(ActorId.TryParse(new string('z', 30), out _));

    [Fact]
    public void TryParse_OtherFirstByte_IsRefused()
        => Gen.Select(Bytes, Gen.Byte.Where(b => b != 1)).Sample((bytes, first) =>
        {
            bytes[0] = first;
            return !ActorId.TryParse(Encode(bytes), out _);
        });

    [Fact]
    public void TryParse_LabelZero_IsRefused()
        => Bytes.Sample(bytes =>
        {
            bytes[17] = bytes[18] = 0;
            return !ActorId.TryParse(Encode(bytes), out _);
        });

    [Fact]
    public void TryParse_ArbitraryText_AgreesWithTheDefinition()
        => Gen.Char["0123456789abcdefghijklmnopqrstuvwxyzABCXYZ-_ %@é"].Array[28, 32].Sample(chars =>
        {
            var text = new string(chars);
            return !ActorId.TryParse(text, out var id) || string.Equals(id.ToString(), text, StringComparison.OrdinalIgnoreCase);
        });

    [Theory]
    [InlineData(29)]
    [InlineData(31)]
    [InlineData(0)]
    public void TryParse_WrongLength_IsRefused(int length) => Assert.False(ActorId.TryParse(new string('1', length), out _));

    [Theory]
    [InlineData('-')]
    [InlineData('\0')]
    [InlineData('\u212A')] // the Kelvin sign, which lower-cases to k
    [InlineData('１')]
    public void TryParse_OtherCharacters_AreRefused(char c)
    {
        var text = ActorId.New(1).ToString().ToCharArray();
        text[7] = c;
        Assert.False(ActorId.TryParse(text, out _));
    }

    [Fact]
    public void New_Label_MakesAVersion4IdOfThatLabel()
    {
        var id = ActorId.New(0xABCD);
        var number = BigInteger.Zero;
        foreach (var c in id.ToString().Reverse())
        {
            number = (number * 36) + "0123456789abcdefghijklmnopqrstuvwxyz".IndexOf(c, StringComparison.Ordinal);
        }

        var bytes = number.ToByteArray(isUnsigned: true, isBigEndian: false);
        Assert.Equal((1, 0xAB, 0xCD), (bytes[0], bytes[17], bytes[18]));
        Assert.Equal(4, bytes[1 + 6] >> 4);
        Assert.Equal(2, bytes[1 + 8] >> 6);
        Assert.NotEqual(id, ActorId.New(0xABCD));
    }

    [Fact]
    public void TryFormat_ShortDestination_IsFalse() => Assert.False(ActorId.New(1).TryFormat(new char[29]));

    [Fact]
    public void Parse_NoId_Throws() => Assert.Throws<FormatException>(() => ActorId.Parse("not-an-id"));
}
