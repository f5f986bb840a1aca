-- Writes a session, its answer, its effects and its step log: all, or nothing where somebody was
-- faster.
-- KEYS: the session; its step log, if there is something to add.
-- Told: revision expected or false for a new session, owner of the claim, new revision, session and
--       answer, flow type, digest, whether the view takes the submit again, shape, current step or
--       '' at the end, ms until it expires, ms until it is forgotten after that, effects or false,
--       whether it goes on as another session; for the step log: ms for which it is kept after its
--       first entry, and what to add, one or more.
-- Returns 1, or 0 for nothing.
local expected, owner, revision, session, kind, digest, again, shape, step, lasts, forget, effects,
  moved, kept, entries = unpack(cmsgpack.unpack(ARGV[1]))
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if not expected then
  if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
else
  local held = redis.call('HMGET', KEYS[1], 'r', 'owner', 'until')
  -- A lapsed claim is lost even where nobody took it: the sweep of effects relies on nothing being
  -- stored so late.
  local lapsed = tonumber(held[1]) ~= expected or held[2] ~= owner or tonumber(held[3]) <= now
  if lapsed then return 0 end
end
redis.call('HSET', KEYS[1], 'r', revision, 'b', session, 'f', kind, 'd', digest,
  'again', again and '1' or '0', 'shape', shape, 'step', step, 't', now, 'x', now + lasts,
  'owner', '', 'until', 0)
if effects then redis.call('HSET', KEYS[1], 'e', effects) end
if moved then redis.call('HSET', KEYS[1], 'm', '1') end
redis.call('PEXPIRE', KEYS[1], lasts + forget)
if KEYS[2] then
  if not expected then
    redis.call('RPUSH', KEYS[2], unpack(entries))
    redis.call('PEXPIRE', KEYS[2], kept)
  else
    -- A log without its beginning tells nothing, and nobody would say when it ends.
    redis.call('RPUSHX', KEYS[2], entries[1])
  end
end
return 1
