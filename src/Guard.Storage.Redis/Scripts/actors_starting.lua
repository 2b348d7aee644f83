--! use: clock, pool
-- Actors whose start began long ago, oldest first. ARGV: age in ms, most. Reply: pairs of id and record.
local ids = redis.call('ZRANGEBYSCORE', pool .. 'starting', '-inf', '(' .. int(now() - tonumber(ARGV[1])), 'LIMIT', 0, ARGV[2])
local reply = {}
for _, id in ipairs(ids) do
  reply[#reply + 1] = id
  reply[#reply + 1] = redis.call('HGETALL', pool .. 'actor:' .. id)
end
return reply
