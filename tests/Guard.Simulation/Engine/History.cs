using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Guard.Model.Ids;

namespace Guard.Simulation.Engine;

/// <summary>
/// What happened in a run. Always a hash over all of it, so that two runs can be compared; the text only when asked for, so that a million
/// runs cost little: a seed that fails is run again with it.
/// </summary>
internal sealed class History(bool isRecorded)
{
    private const ulong Prime = 0x100000001B3;

    public bool IsRecorded => isRecorded;

    public ulong Hash { get; private set; } = 0xCBF29CE484222325;

    /// <summary>Virtual ms, process, what; empty unless recorded.</summary>
    public List<string> Lines { get; } = [];

    public Func<long> Clock { get; set; } = () => 0;

    public void Mix(ulong value) => Hash = (Hash ^ value) * Prime ^ (Hash >> 29);

    public void Note(SimProcess who, [InterpolatedStringHandlerArgument("")] ref Text text)
    {
        Mix((ulong)who.Index);
        if (text.Builder is { } builder)
        {
            Lines.Add(Line(who, builder.ToString()));
        }
    }

    /// <summary>For the reader only: no part of the hash.</summary>
    public void Explain(SimProcess who, string text)
    {
        if (isRecorded)
        {
            Lines.Add(Line(who, text));
        }
    }

    private string Line(SimProcess who, string text)
        => string.Create(CultureInfo.InvariantCulture, $"{Clock() / (double)TimeSpan.TicksPerMillisecond,11:F2}  {who.Name,-12} {text}");

    /// <summary>Hashes what is noted and, when recorded, writes it.</summary>
    [InterpolatedStringHandler]
    internal readonly ref struct Text
    {
        private readonly History _history;

        public Text(int literalLength, int formattedCount, History history)
        {
            _history = history;
            Builder = history.IsRecorded ? new StringBuilder(literalLength + (formattedCount * 8)) : null;
        }

        public StringBuilder? Builder { get; }

        public void AppendLiteral(string text) => AppendFormatted(text);

        public void AppendFormatted(string? text)
        {
            foreach (var c in text ?? "")
            {
                _history.Mix(c);
            }

            Builder?.Append(text);
        }

        public void AppendFormatted(long value)
        {
            _history.Mix((ulong)value);
            Builder?.Append(value);
        }

        public void AppendFormatted(TimeSpan value)
        {
            _history.Mix((ulong)value.Ticks);
            Builder?.Append(CultureInfo.InvariantCulture, $"{value.TotalMilliseconds:0.##} ms");
        }

        public void AppendFormatted(ActorId id)
        {
            _history.Mix((ulong)id.GetHashCode());
            Builder?.Append('a').Append(SimIds.NumberOf(id));
        }

        public void AppendFormatted(SimProcess process) => AppendFormatted(process.Name);

        public void AppendFormatted<T>(T value)
            where T : struct, Enum
        {
            _history.Mix((ulong)Unsafe.As<T, int>(ref value));
            Builder?.Append(value.ToString());
        }
    }
}
