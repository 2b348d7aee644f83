using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Security.Cryptography;

namespace Guard.Model.Ids;

/// <summary>
/// The id of an actor, and of everything else Guard names (runners, requests): 19 bytes <c>[0x01, UUIDv4, label u16 big-endian]</c>,
/// written as 30 lower-case base36 digits of the little-endian number they form. Immutable; thread-safe.
/// </summary>
/// <remarks>The format is Rivet's, so ids of its actors can be used unchanged.</remarks>
internal readonly struct ActorId : IEquatable<ActorId>, IComparable<ActorId>
{
    /// <summary>Digits of the text form: 36^30 is the first power of 36 above 2^152.</summary>
    public const int TextLength = 30;

    private const byte Version = 1;
    private const string Digits = "0123456789abcdefghijklmnopqrstuvwxyz";
    private const ulong Pow6 = 36UL * 36 * 36 * 36 * 36 * 36;
    private const ulong Pow12 = Pow6 * Pow6;

    /// <summary>The value of each ASCII character as a digit, in either case; -1 for the others.</summary>
    private static readonly sbyte[] DigitValues = MakeDigitValues();

    // The UUID's bytes as two little-endian words, exactly as they stand in the number.
    private readonly ulong _low;
    private readonly ulong _high;

    private ActorId(ulong low, ulong high, ushort label)
    {
        _low = low;
        _high = high;
        Label = label;
    }

    /// <summary>The datacenter that issued the id, 1 to 65535; 0 only in <c>default</c>, which is no valid id.</summary>
    public ushort Label { get; }

    /// <summary>Makes a new random id of the given datacenter, which nobody can guess.</summary>
    public static ActorId New(ushort label)
    {
        Span<byte> uuid = stackalloc byte[16];
        RandomNumberGenerator.Fill(uuid);
        return FromRandom(uuid, label);
    }

    /// <summary>Makes a new random id for what is only told apart by it, at a fiftieth of the cost: who has seen many may guess the next.</summary>
    public static ActorId NewGuessable(ushort label)
    {
        Span<byte> uuid = stackalloc byte[16];
        Random.Shared.NextBytes(uuid);
        return FromRandom(uuid, label);
    }

    private static ActorId FromRandom(Span<byte> uuid, ushort label)
    {
        uuid[6] = (byte)((uuid[6] & 0x0F) | 0x40);
        uuid[8] = (byte)((uuid[8] & 0x3F) | 0x80);
        return new ActorId(BinaryPrimitives.ReadUInt64LittleEndian(uuid), BinaryPrimitives.ReadUInt64LittleEndian(uuid[8..]), label);
    }

    /// <summary>Reads the 30-digit form in either case. False when the length or a digit is wrong, the number overflows 19 bytes, the
    /// first byte is not 1, or the label is 0. Never allocates.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ActorId id)
    {
        id = default;
        if (text.Length != TextLength)
        {
            return false;
        }

        // Little-endian digits: the last one is the most significant. Twelve of them fit a word, so two multiplications put the number
        // together; 36^30 < 2^160, so three words hold it.
        if (!TryReadDigits(text[..6], out var low)
            || !TryReadDigits(text[6..18], out var middle)
            || !TryReadDigits(text[18..], out var high))
        {
            return false;
        }

        var upper = ((UInt128)high * Pow12) + middle;
        var product = (UInt128)(ulong)upper * Pow6 + low;
        var w0 = (ulong)product;
        product = (UInt128)(ulong)(upper >> 64) * Pow6 + (ulong)(product >> 64);
        var w1 = (ulong)product;
        var w2 = (ulong)(product >> 64);

        // Bytes 0..18 of the number: version, 16 of the UUID, 2 of the label.
        if (w2 >> 24 != 0 || (byte)w0 != Version)
        {
            return false;
        }

        var label = BinaryPrimitives.ReverseEndianness((ushort)(w2 >> 8));
        if (label == 0)
        {
            return false;
        }

        id = new ActorId((w0 >> 8) | (w1 << 56), (w1 >> 8) | (w2 << 56), label);
        return true;
    }

    /// <summary>Reads the 30-digit form; throws <see cref="FormatException"/> when it is not one. For trusted text, such as a store's.</summary>
    public static ActorId Parse(ReadOnlySpan<char> text)
        => TryParse(text, out var id) ? id : throw new FormatException("not an actor id");

    /// <summary>Writes the 30 digits; false when <paramref name="destination"/> is shorter than <see cref="TextLength"/>.</summary>
    public bool TryFormat(Span<char> destination)
    {
        if (destination.Length < TextLength)
        {
            return false;
        }

        // 32-bit limbs divided by 36^6, which fits one: six digits a round, and every division is by a constant.
        var upper = (_high >> 56) | ((ulong)BinaryPrimitives.ReverseEndianness(Label) << 8);
        Span<uint> limbs = [(uint)(Version | (_low << 8)), (uint)(_low >> 24), (uint)((_low >> 56) | (_high << 8)), (uint)(_high >> 24), (uint)upper];
        for (var i = 0; i < TextLength;)
        {
            var rest = 0UL;
            for (var limb = limbs.Length - 1; limb >= 0; limb--)
            {
                var dividend = (rest << 32) | limbs[limb];
                var quotient = dividend / Pow6;
                rest = dividend - (quotient * Pow6);
                limbs[limb] = (uint)quotient;
            }

            var digits = (uint)rest;
            for (var end = i + 6; i < end; i++)
            {
                destination[i] = Digits[(int)(digits % 36)];
                digits /= 36;
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(TextLength, this, static (span, id) => id.TryFormat(span));

    /// <inheritdoc/>
    public bool Equals(ActorId other) => _low == other._low && _high == other._high && Label == other.Label;

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is ActorId other && Equals(other);

    /// <inheritdoc/>
    // A UUIDv4 is random already. For tables that only hold ids of actors that exist: whoever is free to choose ids can make these collide.
    public override int GetHashCode() => (_low ^ (_high * 0x9E3779B97F4A7C15)).GetHashCode();

    /// <summary>A hash for tables that also hold ids clients made up: nobody who does not know the seed can choose ids that collide.</summary>
    /// <param name="seed">Random, of the table.</param>
    public int GetHashCode(ulong seed)
    {
        // All bits of a product of 128 bits, as wyhash mixes.
        var high = Math.BigMul(_low ^ seed, _high ^ BitOperations.RotateLeft(seed, 32), out var low);
        high = Math.BigMul(high ^ low ^ Label, seed | 1, out low);
        var mixed = high ^ low;
        return (int)(mixed ^ (mixed >> 32));
    }

    /// <inheritdoc/>
    public int CompareTo(ActorId other)
        => (_high, _low, Label).CompareTo((other._high, other._low, other.Label));

    public static bool operator ==(ActorId left, ActorId right) => left.Equals(right);

    public static bool operator !=(ActorId left, ActorId right) => !left.Equals(right);

    /// <summary>Reads at most twelve digits, the last one the most significant; false when one is no digit.</summary>
    private static bool TryReadDigits(ReadOnlySpan<char> text, out ulong value)
    {
        value = 0;
        var seen = 0;
        for (var i = text.Length - 1; i >= 0; i--)
        {
            // No branch per digit: ids are random, so it would be guessed wrong.
            var digit = text[i] < DigitValues.Length ? DigitValues[text[i]] : -1;
            seen |= digit;
            value = (value * 36) + (uint)digit;
        }

        return seen >= 0;
    }

    private static sbyte[] MakeDigitValues()
    {
        var values = new sbyte[128];
        Array.Fill(values, (sbyte)-1);
        for (var i = 0; i < Digits.Length; i++)
        {
            values[Digits[i]] = values[char.ToUpperInvariant(Digits[i])] = (sbyte)i;
        }

        return values;
    }
}
