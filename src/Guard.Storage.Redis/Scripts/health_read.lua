--! use: health
-- The health now. ARGV: error TTL in ms. Reply: the record.
local before = load()
local after = expire(before, now(), tonumber(ARGV[1]))
save(before, after)
return after and flat(after) or {}
