--! use: pool
-- Actors that were told to stop and have not. ARGV: most. Reply: pairs of id and record.
local reply = {}
for _, id in ipairs(redis.call('ZRANGE', pool .. 'stopping', 0, tonumber(ARGV[1]) - 1)) do
  reply[#reply + 1] = id
  reply[#reply + 1] = redis.call('HGETALL', pool .. 'actor:' .. id)
end
return reply
