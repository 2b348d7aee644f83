--! use: health
-- Grants a probe of a red pool, or says in how many ms the next may be. ARGV: error TTL in ms, interval in ms, the probe's id.
-- Reply: 1 when granted, the wait, the record.
local before, t, interval = load(), now(), tonumber(ARGV[2])
local after = expire(before, t, tonumber(ARGV[1]))
if not after or not after.rs then
  save(before, after)
  return { 0, 0, after and flat(after) or {} }
end
local wait = untilProbe(after, t, interval)
if wait > 0 then
  save(before, after)
  return { 0, wait, flat(after) }
end
after = copy(after)
after.pi, after.pg, after.po, after.h = ARGV[3], int(t), '1', '0'
save(before, after)
return { 1, 0, flat(after) }
