using Guard.Model.Actors;

namespace Guard.Core.Request.Targets;

/// <summary>The query form of a target with its values decoded and checked, on the heap: for look-ups that have to wait.</summary>
/// <param name="Namespace">The namespace.</param>
/// <param name="Name">The actor's name.</param>
/// <param name="Key">Serialised; <c>/</c> for the empty list.</param>
/// <param name="Create">Whether the actor is created when the key is free (method getOrCreate).</param>
/// <param name="Pool">The pool to create it in; null with method get.</param>
/// <param name="Input">Decoded; null without rvt-input.</param>
/// <param name="Region">The datacenter asked for; null without rvt-region.</param>
/// <param name="CrashPolicy">For a new actor.</param>
internal sealed record ActorQueryTarget(
    string Namespace,
    string Name,
    string Key,
    bool Create,
    string? Pool,
    byte[]? Input,
    string? Region,
    CrashPolicy CrashPolicy);
