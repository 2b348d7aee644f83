using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;

namespace Guard.Storage.Redis;

/// <summary>An actor's record as the hash that scripts keep; its fields are listed in <c>Scripts/actor.lua</c>.</summary>
internal static class ActorHash
{
    public static ActorRecord Read(ActorId id, PoolId pool, RedisHash hash) => new()
    {
        Id = id,
        Pool = pool,
        Name = hash.Required("n"),
        Key = hash.Text("k"),
        CrashPolicy = hash.Choice<CrashPolicy>("cp"),
        Input = hash.Bytes("in"),
        State = hash.Choice<ActorState>("s"),
        Generation = hash.Number("g"),
        Revision = hash.Number("r"),
        Runner = hash.Text("ru") is { } runner ? new RunnerAddress(runner, LocationFields.ReadOfActor(hash)) : null,
        Starter = hash.Text("st"),
        StartId = hash.Text("si"),
        Error = hash.Text("e") is { } error ? ReadError(error) : null,
        CreateTs = hash.Number("c"),
        StartTs = hash.Number("ss"),
        PendingAllocationTs = hash.Number("pa"),
        ConnectableTs = hash.Number("co"),
        SleepTs = hash.Number("sl"),
        RescheduleTs = hash.Number("rs"),
        Restarts = (int)hash.Number("rc"),
        StopDeadlineTs = hash.Number("sd"),
        DestroyTs = hash.Number("d"),
    };

    /// <summary>A script's list of pairs of id and record.</summary>
    public static IReadOnlyList<ActorRecord> ReadAll(PoolId pool, RedisReply pairs)
    {
        var actors = new List<ActorRecord>(pairs.Length / 2);
        for (var i = 0; i + 1 < pairs.Length; i += 2)
        {
            if (ActorId.TryParse(pairs[i].Text, out var id) && RedisHash.From(pairs[i + 1]) is { } hash)
            {
                actors.Add(Read(id, pool, hash));
            }
        }

        return actors;
    }

    /// <summary>One letter for the kind, then the runner or the message.</summary>
    public static string WriteError(ActorError error) => error.Kind switch
    {
        ActorErrorKind.NoCapacity => "N",
        ActorErrorKind.RunnerNoResponse => $"R{error.RunnerId}",
        ActorErrorKind.RunnerConnectionLost => $"L{error.RunnerId}",
        ActorErrorKind.RunnerDrainingTimeout => $"D{error.RunnerId}",
        ActorErrorKind.Crashed => $"C{CrashMessage.Clean(error.Message)}",
        _ => "I",
    };

    private static ActorError ReadError(string text) => text.FirstOrDefault() switch
    {
        'N' => new(ActorErrorKind.NoCapacity),
        'R' => new(ActorErrorKind.RunnerNoResponse, text[1..]),
        'L' => new(ActorErrorKind.RunnerConnectionLost, text[1..]),
        'D' => new(ActorErrorKind.RunnerDrainingTimeout, text[1..]),
        'C' => new(ActorErrorKind.Crashed, Message: text[1..]),
        _ => new(ActorErrorKind.InternalError),
    };
}
