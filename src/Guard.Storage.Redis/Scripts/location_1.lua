-- Where a runner is, in a store of format 1: URL, protocol, implicit, routing key; the fields of a runner, and those of its actors.
local RUNNER_AT = { 'ep', 'pr', 'im', 'rk' }
local ACTOR_AT = { 're', 'rp', 'ri', 'rk' }
