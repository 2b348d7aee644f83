--! use: health
-- Counts a success. ARGV: error TTL in ms, the epoch of a new record, successes to clear. Reply: the record.
return flat(succeed(now(), tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])))
