--! use: pool
-- Forgets tombstones, after they were taken out of every index. ARGV: members of tombs.
for _, member in ipairs(ARGV) do
  local id = string.sub(member, 3)
  if string.sub(member, 1, 1) == 'a' then
    redis.call('DEL', pool .. 'actor:' .. id)
  else
    redis.call('DEL', pool .. 'runner:' .. id, pool .. 'runner:' .. id .. ':actors')
  end
  redis.call('ZREM', pool .. 'tombs', member)
end
return #ARGV
