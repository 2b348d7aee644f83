using System.Globalization;
using System.Text.RegularExpressions;
using Guard.Model.Ids;

namespace Guard.Simulation.Engine;

/// <summary>
/// Ids that count from 1. Their hash is their number, so that the tables of the product, which are ordered by hash, are walked in the same
/// order in every process and however large they are.
/// </summary>
internal static partial class SimIds
{
    private const string Digits = "0123456789abcdefghijklmnopqrstuvwxyz";

    public static ActorId Actor(int number)
    {
        // Bytes 0 to 18, little-endian: the version, the number where the UUID stands, the label.
        var value = 1 | ((UInt128)(uint)number << 8);
        var label = new System.Numerics.BigInteger(1) << (18 * 8);
        var rest = (System.Numerics.BigInteger)value + label;
        var text = new char[ActorId.TextLength];
        for (var i = 0; i < text.Length; i++)
        {
            rest = System.Numerics.BigInteger.DivRem(rest, 36, out var digit);
            text[i] = Digits[(int)digit];
        }

        return ActorId.Parse(text);
    }

    public static int NumberOf(ActorId id) => id.GetHashCode();

    public static string Name(ActorId id) => string.Create(CultureInfo.InvariantCulture, $"a{NumberOf(id)}");

    /// <summary>The text with every actor id in it replaced by its short name.</summary>
    public static string Rename(string text) => AnyId().Replace(text, id => ActorId.TryParse(id.ValueSpan, out var actor) ? Name(actor) : id.Value);

    public static string Runner(int number) => string.Create(CultureInfo.InvariantCulture, $"runner-id-{number}");

    [GeneratedRegex("[0-9a-z]{30}")]
    private static partial Regex AnyId();
}
