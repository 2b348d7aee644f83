using CsCheck;
using Guard.Model.Pools;

namespace Guard.Core.Tests.Model.Pools;

/// <summary>Random histories against a model that keeps the whole history and counts anew at each step.</summary>
public class PoolHealthPropertyTests
{
    private const long Interval = 5_000;
    private static readonly PoolError Error = new(PoolErrorKind.InternalError);

    private enum Step
    {
        Error,
        Success,
        Read,
        Probe,
        EndWell,
        EndBadly,
    }

    private static readonly Gen<(Step Step, long Elapsed)[]> Histories =
        Gen.Select(Gen.Enum<Step>(), Gen.Frequency((8, Gen.Long[0, 2_000]), (1, Gen.Long[0, 20_000]))).Array[0, 80];

    private static readonly Gen<PoolHealthRules> SomeRules =
        Gen.Select(Gen.Int[1, 4], Gen.Int[1, 4], Gen.Long[1_000, 12_000], (trip, clear, ttl) => new PoolHealthRules(trip, clear, ttl));

    [Fact]
    public void AnyHistory_ColourVersionAndError_AreThoseOfTheModel() => Gen.Select(SomeRules, Histories).Sample((rules, history) =>
    {
        var health = new PoolHealth { Epoch = 1 };
        long now = 1, seq = 0, lastError = 0, probeId = 0;
        int errors = 0, successes = 0;
        var red = false;
        foreach (var (step, elapsed) in history)
        {
            now += elapsed;
            health = health.Expire(now, rules);
            if (lastError != 0 && now - lastError >= rules.ErrorTtl)
            {
                (red, errors, lastError, seq) = (false, 0, 0, seq + 1);
            }

            switch (step)
            {
                case Step.Error:
                    health = health.ReportError(Error, now, rules);
                    (errors, successes, lastError, seq) = (errors + 1, 0, now, seq + 1);
                    red |= errors >= rules.ErrorsToTrip;
                    break;
                case Step.Success:
                    health = health.ReportSuccess(rules);
                    (errors, successes, seq) = (0, successes + 1, seq + 1);
                    red &= successes < rules.SuccessesToClear;
                    lastError = red ? lastError : 0;
                    break;
                case Step.Probe when health.IsRed && health.TimeUntilNextProbe(now, Interval) == 0:
                    health = health.GrantProbe(++probeId, now);
                    break;
                case Step.EndWell or Step.EndBadly:
                    health = health.EndProbe(health.ProbeId, step == Step.EndWell);
                    break;
            }

            Assert.Equal(seq, health.Seq);
            Assert.Equal(red, health.IsRed);
            Assert.Equal(errors, health.Errors);
            Assert.Equal(Math.Min(successes, rules.SuccessesToClear), health.Successes);
            Assert.Equal(lastError, health.LastError?.Timestamp ?? 0);
            Assert.True(!red || health.LastError is not null);
            Assert.True(health.LastError is null || health.LastError.Seq <= health.Seq);
        }
    });

    [Fact]
    public void AnyHistory_Probes_AreOnePerIntervalUnlessASuccessCameBetween() => Gen.Select(SomeRules, Histories).Sample((rules, history) =>
    {
        var health = new PoolHealth { Epoch = 1 };
        long now = 1, probeId = 0, grantedAt = long.MinValue / 2;
        var successSince = false;
        foreach (var (step, elapsed) in history)
        {
            now += elapsed;
            health = health.Expire(now, rules);
            switch (step)
            {
                case Step.Error:
                    health = health.ReportError(Error, now, rules);
                    break;
                case Step.Success:
                    health = health.ReportSuccess(rules);
                    successSince = true;
                    break;
                case Step.EndWell or Step.EndBadly:
                    successSince |= step == Step.EndWell && health.ProbeOpen;
                    health = health.EndProbe(health.ProbeId, step == Step.EndWell);
                    break;
                case Step.Probe when health.IsRed:
                    var wait = health.TimeUntilNextProbe(now, Interval);
                    Assert.InRange(wait, 0, Interval);
                    if (now - grantedAt >= Interval)
                    {
                        Assert.Equal(0, wait);
                    }

                    if (wait == 0)
                    {
                        Assert.True(successSince || now - grantedAt >= Interval, "a second probe within the interval without success");
                        Assert.True(!health.ProbeOpen || now - grantedAt >= Interval, "a second probe while the first is open");
                        health = health.GrantProbe(++probeId, now);
                        (grantedAt, successSince) = (now, false);
                    }

                    break;
            }
        }
    });
}
