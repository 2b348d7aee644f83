namespace Guard.Core.Options;

/// <summary>What a reload makes of the running options. Immutable.</summary>
/// <param name="Options">The running options with the reloadable keys of the loaded ones.</param>
/// <param name="Applied">Full names of the keys that changed.</param>
/// <param name="NeedRestart">Full names of the keys that differ, and stay as they are until a restart.</param>
internal sealed record OptionsReload(GuardOptions Options, IReadOnlyList<string> Applied, IReadOnlyList<string> NeedRestart)
{
    public static OptionsReload Merge(GuardOptions running, GuardOptions loaded)
    {
        var merged = new GuardOptions();
        var applied = new List<string>();
        var needRestart = new List<string>();
        foreach (var key in OptionKeys.All)
        {
            key.Copy(key.IsReloadable ? loaded : running, merged);
            if (!key.IsSame(running, loaded))
            {
                (key.IsReloadable ? applied : needRestart).Add(key.FullName);
            }
        }

        return new OptionsReload(merged, applied, needRestart);
    }
}
