using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Storage.Memory;

/// <summary>
/// The actors of one namespace by key, by name and by age, and the tombstones of those destroyed. Guarded by the lock of the namespace,
/// except <paramref name="byId"/>, which all namespaces share.
/// </summary>
internal sealed class ActorIndex(System.Collections.Concurrent.ConcurrentDictionary<ActorId, ActorEntry> byId)
{
    private readonly Dictionary<string, NameIndex> _names = [];
    private readonly CreationList<ActorEntry> _all = new();
    private readonly Queue<(ActorEntry Actor, long Buried)> _tombstones = new();

    /// <summary>The live actor of a key; null when there is none.</summary>
    public ActorEntry? Find(string name, string key)
        => _names.TryGetValue(name, out var index) && index.ByKey.TryGetValue(key, out var actor) && actor.Record.State != ActorState.Destroyed
            ? actor
            : null;

    /// <summary>The one copy of a name that all its actors share: names come as new strings with every request.</summary>
    public string Intern(string name) => _names.TryGetValue(name, out var index) ? index.Name : name;

    /// <summary>Adds an actor that is in the map by id already.</summary>
    public void Add(ActorEntry actor)
    {
        var record = actor.Record;
        if (!_names.TryGetValue(record.Name, out var index))
        {
            index = new(record.Name);
            _names.Add(record.Name, index);
        }

        if (record.Key is not null)
        {
            // The entry of a destroyed actor may still stand here.
            index.ByKey[record.Key] = actor;
        }

        index.Actors.Add(actor);
        _all.Add(actor);
    }

    /// <summary>Frees the key of a destroyed actor, unless a new one has it already, and keeps the record as a tombstone.</summary>
    public void Bury(ActorEntry actor, long timestamp)
    {
        ForgetKey(_names[actor.Record.Name], actor);
        _tombstones.Enqueue((actor, timestamp));
    }

    /// <summary>Forgets up to <paramref name="most"/> tombstones buried before <paramref name="before"/>; the number it forgot.</summary>
    public int Purge(long before, int most)
    {
        var purged = 0;
        while (purged < most && _tombstones.TryPeek(out var tombstone) && tombstone.Buried < before)
        {
            _tombstones.Dequeue();
            purged++;
            var actor = tombstone.Actor;
            var name = _names[actor.Record.Name];
            byId.TryRemove(actor.Record.Id, out _);
            actor.IsPurged = true;
            _all.Purged();
            name.Actors.Purged();
            if (name.Actors.Count == 0)
            {
                _names.Remove(name.Name);
            }
        }

        if (_tombstones.Count == 0 && purged > 0)
        {
            _tombstones.TrimExcess();
        }

        return purged;
    }

    /// <summary>A page of the actors that match, newest first.</summary>
    public Page<ActorRecord> List(ActorQuery query)
    {
        if (query.Name is null)
        {
            return _all.Read(ListCursor.Actors, query.Cursor, query.Limit, a => Match(a, query));
        }

        if (query.Key is not null)
        {
            // Few: the live one and the tombstones of the key. Found without a walk over all actors of the name.
            var found = new CreationList<ActorEntry>();
            var tombstones = query.IncludeDestroyed ? _tombstones.Select(t => t.Actor) : [];
            var live = Find(query.Name, query.Key);
            foreach (var actor in (live is null ? tombstones : tombstones.Append(live)).OrderBy(a => a.Sequence))
            {
                found.Add(actor);
            }

            return found.Read(ListCursor.Actors, query.Cursor, query.Limit, a => Match(a, query));
        }

        var all = _names.TryGetValue(query.Name, out var index) ? index.Actors : new();
        return all.Read(ListCursor.Actors, query.Cursor, query.Limit, a => Match(a, query));
    }

    private static ActorRecord? Match(ActorEntry actor, ActorQuery query)
    {
        var record = actor.Record;
        return (query.IncludeDestroyed || record.State != ActorState.Destroyed)
            && (query.Name is null || record.Name == query.Name)
            && (query.Key is null || record.Key == query.Key)
            ? record
            : null;
    }

    private static void ForgetKey(NameIndex name, ActorEntry actor)
    {
        if (actor.Record.Key is { } key && name.ByKey.TryGetValue(key, out var owner) && ReferenceEquals(owner, actor))
        {
            name.ByKey.Remove(key);
        }
    }

    private sealed class NameIndex(string name)
    {
        public string Name { get; } = name;

        public Dictionary<string, ActorEntry> ByKey { get; } = [];

        public CreationList<ActorEntry> Actors { get; } = new();
    }
}
