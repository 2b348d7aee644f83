-- Lists something of a namespace at the next place in the order of creation. KEYS[1]: what the namespace's keys begin with.
-- ARGV: id, lists. What is listed already keeps its place.
local sequence = redis.call('INCR', KEYS[1] .. 'seq')
for i = 2, #ARGV do
  redis.call('ZADD', KEYS[1] .. ARGV[i], 'NX', sequence, ARGV[1])
end
return 1
