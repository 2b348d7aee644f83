namespace Guard.Core.State.Membership;

/// <summary>Names this process among the Guards of a store: who starts what. Random per process, so a restarted Guard is another one.</summary>
internal sealed record GuardIdentity(string Id)
{
    public static GuardIdentity New() => new(Guid.NewGuid().ToString("N"));
}
