using System.Buffers;
using Guard.Core.Diagnostics;
using Guard.Model.Actors;
using Guard.Model.Ids;

namespace Guard.Core.Request.Targets;

/// <summary>
/// The actor a request names, checked and decoded. Lives as long as the request target's string and the scratch memory of
/// <see cref="TargetParser.Parse"/>; what has to live longer is copied by <see cref="ToQuery"/> and <see cref="ForwardedTarget"/>.
/// </summary>
internal ref struct ActorTarget
{
    /// <summary>How the actor is named; <see cref="RouteForm.None"/> when the request names none.</summary>
    public RouteForm Form { get; internal init; }

    /// <summary>Named by <see cref="Id"/>; otherwise by <see cref="Namespace"/>, <see cref="Name"/> and <see cref="Key"/>.</summary>
    public readonly bool IsById => Form is not (RouteForm.Query or RouteForm.None);

    public ActorId Id { get; internal init; }

    public ReadOnlySpan<char> Namespace { get; internal init; }

    public ReadOnlySpan<char> Name { get; internal init; }

    /// <summary>Serialised, see <see cref="ActorKey"/>.</summary>
    public ReadOnlySpan<char> Key { get; internal init; }

    /// <summary>Method getOrCreate: the actor is created when the key is free.</summary>
    public bool Create { get; internal init; }

    /// <summary>Where to create it; empty with method get.</summary>
    public ReadOnlySpan<char> Pool { get; internal init; }

    /// <summary>The datacenter asked for, not looked up yet; empty without <c>rvt-region</c>.</summary>
    public ReadOnlySpan<char> Region { get; internal init; }

    public CrashPolicy CrashPolicy { get; internal init; }

    /// <summary>The decoded <c>rvt-input</c>, one well-formed CBOR value; null without it.</summary>
    public byte[]? Input { get; internal init; }

    /// <summary>The client's token, decoded where it was encoded; empty without one. Guard only keeps it from the actor.</summary>
    public ReadOnlySpan<char> Token { get; internal set; }

    /// <summary>The client does not want to wait for an actor that is allocated but not ready.</summary>
    public bool SkipReadyWait { get; internal set; }

    internal string Raw { get; init; }

    /// <summary>Where the actor's own part begins in <see cref="Raw"/>.</summary>
    internal int PathStart { get; init; }

    internal int PathEnd { get; init; }

    internal QueryCut Cut { get; init; }

    /// <summary>
    /// Path and query as the runner must see them: the client's bytes without what named the actor. Allocates the text, except where
    /// nothing is cut: then it is the raw target itself.
    /// </summary>
    public readonly string ForwardedTarget()
    {
        if (Cut == QueryCut.None)
        {
            return PathStart == PathEnd ? string.Concat("/", Raw.AsSpan(PathEnd)) : Raw[PathStart..];
        }

        var buffer = ArrayPool<char>.Shared.Rent(Raw.Length + 1);
        var path = PathStart == PathEnd ? "/" : Raw.AsSpan(PathStart, PathEnd - PathStart);
        path.CopyTo(buffer);
        var length = path.Length;
        var separator = '?';
        var query = Raw.AsSpan(PathEnd + 1);
        foreach (var range in query.Split('&'))
        {
            var part = query[range];
            if (Cut == QueryCut.Reserved ? part.IsEmpty || RvtParams.IsReserved(part) : RvtParams.IsToken(part))
            {
                continue;
            }

            buffer[length++] = separator;
            part.CopyTo(buffer.AsSpan(length));
            length += part.Length;
            separator = '&';
        }

        var forwarded = new string(buffer, 0, length);
        ArrayPool<char>.Shared.Return(buffer);
        return forwarded;
    }

    /// <summary>The query form on the heap, for look-ups that have to wait. Allocates.</summary>
    /// <exception cref="InvalidOperationException">The actor is not named by the query form.</exception>
    public readonly ActorQueryTarget ToQuery()
    {
        if (Form != RouteForm.Query)
        {
            throw new InvalidOperationException("the target is not of the query form");
        }

        return new ActorQueryTarget(
            Namespace.ToString(),
            Name.ToString(),
            Key.ToString(),
            Create,
            Pool.IsEmpty ? null : Pool.ToString(),
            Input,
            Region.IsEmpty ? null : Region.ToString(),
            CrashPolicy);
    }
}

/// <summary>What of the query does not reach the actor.</summary>
internal enum QueryCut
{
    None,

    /// <summary>The query form: every <c>rvt-*</c> and every empty part.</summary>
    Reserved,

    /// <summary>The forms that name the actor outside the path: <c>rvt-token</c> alone, because tokens are never passed on.</summary>
    Token,
}
