--! use: keeper
-- Forgets tombstones, after they were taken out of every index. ARGV: the Guard, the epoch of its lease, members of tombs.
if not keeps(ARGV[1], ARGV[2]) then
  return 0
end
for i = 3, #ARGV do
  local member, id = ARGV[i], string.sub(ARGV[i], 3)
  if string.sub(member, 1, 1) == 'a' then
    redis.call('DEL', pool .. 'actor:' .. id)
  else
    redis.call('DEL', pool .. 'runner:' .. id, pool .. 'runner:' .. id .. ':actors')
  end
  redis.call('ZREM', pool .. 'tombs', member)
end
return 1
