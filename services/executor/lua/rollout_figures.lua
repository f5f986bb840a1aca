-- Tells how the sessions of a rollout have ended so far, and how many have not.
-- KEYS: the figures, the sessions under way, by when they expire, in ms.
-- Returns {how many are under way, {name, count, ...}}; what has expired is under way no more, though
-- it is counted as ended only with the next end.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
return {redis.call('ZCOUNT', KEYS[2], '(' .. now, '+inf'), redis.call('HGETALL', KEYS[1])}
