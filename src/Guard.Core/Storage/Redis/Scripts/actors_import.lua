--! use: clock, pool
-- Creates several actors as actor_create does, without telling of each. ARGV: for each id, name, crash policy, has key, key, has input,
-- input. Reply: for each 1 when created, 0 when it was there, 2 when it was destroyed; nothing when the pool is not configured.
if redis.call('HEXISTS', pool .. 'config', 'json') == 0 then
  return {}
end
local reply, created = {}, int(now())
for i = 1, #ARGV, 7 do
  local key = pool .. 'actor:' .. ARGV[i]
  local state = redis.call('HGET', key, 's')
  if state then
    reply[#reply + 1] = state == '4' and 2 or 0
  else
    local fields = { 'n', ARGV[i + 1], 'cp', ARGV[i + 2], 's', '0', 'g', '0', 'r', '1', 'c', created }
    if ARGV[i + 3] == '1' then
      fields[#fields + 1] = 'k'
      fields[#fields + 1] = ARGV[i + 4]
    end
    if ARGV[i + 5] == '1' then
      fields[#fields + 1] = 'in'
      fields[#fields + 1] = ARGV[i + 6]
    end
    redis.call('HSET', key, unpack(fields))
    reply[#reply + 1] = 1
  end
end
return reply
