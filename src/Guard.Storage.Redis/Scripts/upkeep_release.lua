-- Gives all leases of a Guard back; their epochs stay. KEYS[1]: the hash of leases. ARGV: the Guard.
redis.call('HDEL', KEYS[1], 'g:' .. ARGV[1])
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local guard, epoch = string.match(all[i + 1], '^(.*)|(%d+)|%d+$')
  if guard == ARGV[1] then
    redis.call('HSET', KEYS[1], all[i], '|' .. epoch .. '|0')
  end
end
return 1
