-- Lists new actors of a namespace, each at the next place in the order of creation. KEYS[1]: what the namespace's keys begin with.
-- ARGV: pairs of id and name. What is listed already keeps its place.
local count = #ARGV / 2
local sequence = redis.call('INCRBY', KEYS[1] .. 'seq', count) - count
for i = 1, #ARGV, 2 do
  sequence = sequence + 1
  redis.call('ZADD', KEYS[1] .. 'actors', 'NX', sequence, ARGV[i])
  redis.call('ZADD', KEYS[1] .. 'names:' .. ARGV[i + 1], 'NX', sequence, ARGV[i])
end
return count
