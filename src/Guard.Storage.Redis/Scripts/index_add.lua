-- Lists something of a namespace at the next place in the order of creation. KEYS[1]: what the namespace's keys begin with.
-- ARGV: id, lists. What is listed already keeps its place.
local sequence = nil
for i = 2, #ARGV do
  local list = KEYS[1] .. ARGV[i]
  if not redis.call('ZSCORE', list, ARGV[1]) then
    sequence = sequence or redis.call('INCR', KEYS[1] .. 'seq')
    redis.call('ZADD', list, sequence, ARGV[1])
  end
end
return 1
