--! use: health
-- Notes how the last probe ended. ARGV: error TTL in ms, the probe's id, 1 for success.
local before = load()
local after = expire(before, now(), tonumber(ARGV[1]))
if after and after.pi == ARGV[2] and after.po == '1' then
  after = copy(after)
  after.po = nil
  if ARGV[3] ~= '1' then
    after.h = '2'
  elseif after.h == '0' then
    after.h = '1'
  end
end
save(before, after)
return 1
