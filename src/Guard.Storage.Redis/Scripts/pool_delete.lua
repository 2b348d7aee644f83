--! use: pool
-- Removes a runner-config. Reply: 0 when there was none.
if redis.call('DEL', pool .. 'config') == 0 then
  return 0
end
publish('p|' .. poolName)
return 1
