--! use: actor
-- Destroys an actor for good. ARGV: id. Reply: the record as it was; nothing when it is unknown or destroyed already.
local actor = read(actorKey(ARGV[1]))
if not actor or actor.s == DESTROYED then
  return {}
end
apply(ARGV[1], actor, destroy(actor, now()))
tellCapacity()
return flat(actor)
