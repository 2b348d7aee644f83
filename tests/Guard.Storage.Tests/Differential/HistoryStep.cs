using System.Globalization;

namespace Guard.Storage.Tests.Differential;

internal enum StepKind
{
    PutPool,
    DeletePool,
    Register,
    Create,
    Import,
    Begin,
    TakeOver,
    RenewPending,
    CommitReady,
    StartFailed,
    Disowned,
    Stopped,
    Event,
    Destroy,
    Heartbeat,
    Beat,
    DrainRunner,
    DeleteRunner,
    Sweep,
    Release,
    Evict,
    ReportError,
    ReportSuccess,
    GrantProbe,
    OpenProbe,
    EndProbe,
    TellConnect,
    Advance,
    AdvanceFar,
    Read,
}

/// <summary>One step of a history. What its numbers mean depends on the kind and on what there is when it runs, so that a history from
/// which steps were taken is a history still.</summary>
/// <param name="Kind">What is called.</param>
/// <param name="Subject">Mostly the place of what it is called on.</param>
/// <param name="Choices">Drawn from by <see cref="StepChoices"/> for everything else.</param>
internal readonly record struct HistoryStep(StepKind Kind, int Subject, int Choices)
{
    /// <summary>Starts, commits and events come often; loss and deletion seldom, so that there is something to lose.</summary>
    private static readonly (StepKind Kind, int Weight)[] Usual =
    [
        (StepKind.PutPool, 2), (StepKind.DeletePool, 1), (StepKind.Register, 6), (StepKind.Create, 6), (StepKind.Import, 2), (StepKind.Begin, 16),
        (StepKind.TakeOver, 3), (StepKind.RenewPending, 2), (StepKind.CommitReady, 7), (StepKind.StartFailed, 3), (StepKind.Disowned, 1),
        (StepKind.Stopped, 4), (StepKind.Event, 9), (StepKind.Destroy, 1), (StepKind.Heartbeat, 6), (StepKind.Beat, 3), (StepKind.DrainRunner, 2),
        (StepKind.DeleteRunner, 1), (StepKind.Sweep, 5), (StepKind.Release, 1), (StepKind.Evict, 6), (StepKind.ReportError, 3),
        (StepKind.ReportSuccess, 2), (StepKind.GrantProbe, 3), (StepKind.OpenProbe, 1), (StepKind.EndProbe, 2), (StepKind.TellConnect, 1),
        (StepKind.Advance, 9), (StepKind.AdvanceFar, 1), (StepKind.Read, 4),
    ];

    /// <summary>Steps that fill the store to begin with: there are pools, and mostly something in them.</summary>
    /// <param name="crowd">Registers so many runners; 0 for a few, and actors.</param>
    private static IEnumerable<StepKind> Filling(int crowd)
        => [
            StepKind.PutPool, StepKind.PutPool, StepKind.PutPool,
            .. crowd > 0 ? Enumerable.Repeat(StepKind.Register, crowd) : Enumerable.Range(0, 9).Select(i => i % 2 == 0 ? StepKind.Register : StepKind.Create),
        ];

    /// <summary>Steps of one history: the kinds are weighed anew for each, for a history that never drains finds what one that often does
    /// hides.</summary>
    /// <param name="random">Draws.</param>
    /// <param name="transitions">Steps after those that fill the store.</param>
    /// <param name="crowd">See <see cref="Filling"/>.</param>
    public static HistoryStep[] Draw(Random random, int transitions, int crowd)
    {
        int[] factors = [0, 1, 2, 2, 4];
        var bag = Usual
            .SelectMany(u => Enumerable.Repeat(u.Kind, u.Weight * (u.Kind is StepKind.Register or StepKind.Create or StepKind.Begin ? 2 : factors[random.Next(factors.Length)])))
            .ToArray();
        return Filling(crowd).Concat(Enumerable.Range(0, transitions).Select(_ => bag[random.Next(bag.Length)]))
            .Select(kind => new HistoryStep(kind, random.Next(1000), random.Next()))
            .ToArray();
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Kind}({Subject}, {Choices})");
}

/// <summary>The choices of one step, one after the other.</summary>
internal sealed class StepChoices(int seed)
{
    private readonly Random _random = new(seed);

    public int Next(int count) => _random.Next(count);

    public bool OneIn(int count) => _random.Next(count) == 0;

    public T Of<T>(params ReadOnlySpan<T> values) => values[_random.Next(values.Length)];

    /// <summary>One of a list; the default when it is empty.</summary>
    public T? OfList<T>(IReadOnlyList<T> values) => values.Count == 0 ? default : values[_random.Next(values.Count)];

    public IReadOnlyList<T> Some<T>(IReadOnlyList<T> values, int most)
        => Enumerable.Range(0, values.Count == 0 ? 0 : _random.Next(most + 1)).Select(_ => values[_random.Next(values.Count)]).ToArray();
}
