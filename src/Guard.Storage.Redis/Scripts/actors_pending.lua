--! use: actor
-- Keeps actors pending that were refused a slot (IActorStore.RenewPendingAsync). ARGV: ids. Reply: those that are not pending any more.
local moved, renewed = {}, {}
local t = now()
for _, id in ipairs(ARGV) do
  if redis.call('HGET', actorKey(id), 's') == PENDING then
    renewed[#renewed + 1] = t
    renewed[#renewed + 1] = id
  else
    moved[#moved + 1] = id
  end
end
if #renewed > 0 then
  redis.call('ZADD', pool .. 'pending', unpack(renewed))
end
return moved
