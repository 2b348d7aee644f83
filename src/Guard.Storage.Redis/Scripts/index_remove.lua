-- Takes something out of lists of a namespace. KEYS[1]: what the namespace's keys begin with. ARGV: id, lists.
for i = 2, #ARGV do
  redis.call('ZREM', KEYS[1] .. ARGV[i], ARGV[1])
end
return 1
