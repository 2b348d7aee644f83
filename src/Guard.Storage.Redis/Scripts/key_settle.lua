-- Makes the entry of an actor's key live for an actor that exists, unless it names another one. ARGV: id, pool. Reply: 1 when it is live
-- for this actor.
local held = redis.call('GET', KEYS[1])
local live = 'live|' .. ARGV[1] .. '|' .. ARGV[2]
if held and held ~= live and string.sub(held, 1, 9 + #ARGV[1]) ~= 'pending|' .. ARGV[1] .. '|' then
  return 0
end
redis.call('SET', KEYS[1], live)
return 1
