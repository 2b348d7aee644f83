using Guard.Model.Actors;
using Guard.Model.Ids;

namespace Guard.Control.Input;

/// <summary>Reads the body of POST /runners/{id}/events.</summary>
internal static class RunnerEventInput
{
    public const int MaxEvents = 1000;

    /// <summary>As the enumeration numbers them.</summary>
    private static readonly string[] Names = [.. Enum.GetValues<RunnerEventKind>().Select(k => k.Name())];

    /// <summary>The events in their order; after an error something to ignore.</summary>
    public static IReadOnlyList<RunnerEvent> Read(JsonFields body)
    {
        var events = new List<RunnerEvent>();
        foreach (var item in body.Objects("events", MaxEvents))
        {
            // An id of another datacenter is no mistake of form: the store answers that it does not know it.
            _ = ActorId.TryParse(item.Text("actor_id", TextRule.ActorIdText), out var id);
            var generation = item.Integer("generation", 0, long.MaxValue);
            var kind = item.Word("event", Names);
            events.Add(new RunnerEvent(id, generation, (RunnerEventKind)kind, item.OptionalText("message", TextRule.Message)));
            item.End();
        }

        body.End();
        return events;
    }
}
