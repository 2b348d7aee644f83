--! use: clock, pool
-- Creates several actors as actor_create does, without telling of each. ARGV: for each the nine of actor_create. Reply: for each 1 when
-- created, 0 when it was there with this name and key, 2 when it was destroyed or is another's; nothing when the pool is not configured.
if redis.call('HEXISTS', pool .. 'config', 'json') == 0 then
  return {}
end
local reply, time = {}, int(now())
for i = 1, #ARGV, 9 do
  local record = pool .. 'actor:' .. ARGV[i]
  local held = redis.call('HMGET', record, 's', 'n', 'k')
  if held[1] then
    local same = held[1] ~= '4' and held[2] == ARGV[i + 1] and (held[3] or '') == ARGV[i + 4]
    reply[#reply + 1] = same and 0 or 2
  else
    local fields = { 'n', ARGV[i + 1], 'cp', ARGV[i + 2], 's', '0', 'g', ARGV[i + 7], 'r', '1', 'c', ARGV[i + 8] == '' and time or ARGV[i + 8] }
    if ARGV[i + 3] == '1' then
      fields[#fields + 1] = 'k'
      fields[#fields + 1] = ARGV[i + 4]
    end
    if ARGV[i + 5] == '1' then
      fields[#fields + 1] = 'in'
      fields[#fields + 1] = ARGV[i + 6]
    end
    redis.call('HSET', record, unpack(fields))
    reply[#reply + 1] = 1
  end
end
return reply
