using Guard.Model.Ids;

namespace Guard.Core.Diagnostics;

/// <summary>Names one request in headers and logs: a Guard id of this datacenter. Thread-safe.</summary>
internal sealed class RayId(ushort label)
{
    public string New() => ActorId.NewGuessable(label).ToString();
}
