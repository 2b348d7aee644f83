--! use: keeper
-- Tombstones that are due. ARGV: the Guard, the epoch of its lease, age in ms from which they are, most. Reply: of each its member in tombs,
-- and of an actor its name and key; nothing when the lease is refused.
if not keeps(ARGV[1], ARGV[2]) then
  return {}
end
local reply = {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', pool .. 'tombs', '-inf', '(' .. int(now() - tonumber(ARGV[3])), 'LIMIT', 0, ARGV[4])) do
  local f = { false, false }
  if string.sub(member, 1, 1) == 'a' then
    f = redis.call('HMGET', pool .. 'actor:' .. string.sub(member, 3), 'n', 'k')
  end
  reply[#reply + 1] = member
  reply[#reply + 1] = f[1]
  reply[#reply + 1] = f[2]
end
return reply
