-- Where a runner is, in a store of format 2: one text, the same with a runner and with its actors.
local RUNNER_AT = { 'at' }
local ACTOR_AT = { 'at' }
