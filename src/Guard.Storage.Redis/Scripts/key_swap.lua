-- Compare-and-set of the entry of an actor's key. ARGV: the entry expected, the new one ('' removes it). Reply: 1 when done.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2])
end
return 1
