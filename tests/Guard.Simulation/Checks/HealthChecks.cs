using Guard.Model.Pools;
using Guard.Model.Stores;
using Guard.Simulation.Processes;

namespace Guard.Simulation.Checks;

/// <summary>Versions of pool health never go back, and probes keep their interval.</summary>
internal sealed class HealthChecks(World world)
{
    /// <summary>As the store told of it.</summary>
    private readonly Dictionary<(ulong Epoch, long Seq), PoolHealthSnapshot> _told = [];
    private readonly Dictionary<SimGuard, PoolHealthSnapshot> _held = [];
    private long _redUntil = long.MinValue;
    private bool _isRed;
    private (long Id, long At)? _probe;
    private bool _probeEnded;
    private bool _successSinceProbe;

    /// <summary>Whether the store had the pool red at any time since then.</summary>
    public bool WasRedSince(long time) => _isRed || _redUntil >= time;

    public void Changed(PoolHealthSnapshot health)
    {
        world.History.Note(world.Store.Process, $"pool health {health.Seq} is red {(health.IsRed ? 1 : 0)} successes {health.ConsecutiveSuccesses}");
        _told[(health.Epoch, health.Seq)] = health;
        _successSinceProbe |= health.ConsecutiveSuccesses > 0;
        Turn(health.IsRed);
    }

    public void Forgotten()
    {
        Turn(false);
        (_probe, _successSinceProbe) = (null, false);
    }

    public void ErrorReported() => _successSinceProbe = false;

    /// <summary>A Guard's health of the pool from now on; unknown after a failed read.</summary>
    public void Held(SimGuard guard, PoolHealthSnapshot health)
    {
        world.History.Note(guard.Process, $"holds pool health {health.Seq} red {(health.IsRed ? 1 : 0)}");
        if (health.Epoch == 0)
        {
            return;
        }

        if (_held.TryGetValue(guard, out var before) && before.Epoch == health.Epoch && health.Seq < before.Seq)
        {
            world.Checks.Fail(ViolationKind.HealthWentBack, $"{guard.Process} went back from version {before.Seq} to {health.Seq}");
        }

        if (_told.TryGetValue((health.Epoch, health.Seq), out var told) && (told.IsRed != health.IsRed || told.ActiveError?.Seq != health.ActiveError?.Seq))
        {
            world.Checks.Fail(ViolationKind.HealthNotAsStored, $"{guard.Process} has version {health.Seq} red {health.IsRed}, in the store it was {told.IsRed}");
        }

        _held[guard] = health;
    }

    public void ProbeDecided(ProbeGrant grant, TimeSpan interval)
    {
        world.History.Note(world.Store.Process, $"probe {grant.ProbeId}");
        if (!grant.IsGranted)
        {
            return;
        }

        var now = world.Scheduler.Now;
        if (_probe is { } last && now - last.At < interval.Ticks - TimeSpan.TicksPerMillisecond && !(_probeEnded && _successSinceProbe))
        {
            world.Checks.Fail(
                ViolationKind.ProbeTooEarly,
                $"probe {grant.ProbeId} came {TimeSpan.FromTicks(now - last.At).TotalMilliseconds} ms after probe {last.Id}; the interval is {interval.TotalMilliseconds} ms");
        }

        (_probe, _probeEnded, _successSinceProbe) = ((grant.ProbeId, now), false, false);
    }

    public void ProbeEnded(long probeId, bool success)
    {
        world.History.Note(world.Store.Process, $"probe {probeId} ended, success {(success ? 1 : 0)}");
        if (_probe is { } last && last.Id == probeId && !_probeEnded)
        {
            _probeEnded = true;

            // A success that was heard before the probe ended without one does not count.
            _successSinceProbe = success && (_successSinceProbe || !_errorSinceProbe());
        }

        bool _errorSinceProbe() => false;
    }

    private void Turn(bool isRed)
    {
        if (_isRed && !isRed)
        {
            _redUntil = world.Scheduler.Now;
        }

        _isRed = isRed;
    }
}
