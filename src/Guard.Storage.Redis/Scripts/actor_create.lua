--! use: actor
-- Creates an actor that sleeps, unless the id is taken, by a live actor or a tombstone, or the pool is not configured.
-- ARGV: id, name, crash policy, has key, key, has input, input, generation, created ('' = now). Reply: what happened, the record.
local id = ARGV[1]
local found = read(actorKey(id))
if found then
  return { 'exists', flat(found) }
end
if redis.call('HEXISTS', pool .. 'config', 'json') == 0 then
  return { 'nopool', {} }
end
local actor = { n = ARGV[2], cp = ARGV[3], s = SLEEPING, g = ARGV[8], r = '1', c = ARGV[9] == '' and int(now()) or ARGV[9] }
if ARGV[4] == '1' then
  actor.k = ARGV[5]
end
if ARGV[6] == '1' then
  actor['in'] = ARGV[7]
end
write(actorKey(id), nil, actor)
publish('a|' .. poolName .. '|' .. id .. '|1')
return { 'created', flat(actor) }
