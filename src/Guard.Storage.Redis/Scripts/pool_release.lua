--! use: pool
-- Gives the lease of a pool back. ARGV: the Guard. Reply: 1 when it held it.
if redis.call('HGET', pool .. 'lease', 'guard') == ARGV[1] then
  return redis.call('DEL', pool .. 'lease')
end
return 0
