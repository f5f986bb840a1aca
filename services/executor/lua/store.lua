-- Writes a session, its answer, its effects and its step log: all, or nothing where somebody was
-- faster.
-- KEYS: the session; its step log, if there is something to add.
-- ARGV: revision expected or '' for a new session, owner of the claim, new revision, session and
--       answer, flow type, digest, '1' if the view takes the submit again, shape, current step or
--       '' at the end, ms until it expires, ms until it is forgotten after that, effects or '', '1'
--       if it goes on as another session; for the step log: ms for which it is kept after its first
--       entry, and what to add, one or more.
-- Returns 1, or 0 for nothing.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if ARGV[1] == '' then
  if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
else
  local held = redis.call('HMGET', KEYS[1], 'r', 'owner', 'until')
  -- A lapsed claim is lost even where nobody took it: the sweep of effects relies on nothing being
  -- stored so late.
  if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] or tonumber(held[3]) <= now then return 0 end
end
redis.call('HSET', KEYS[1], 'r', ARGV[3], 'b', ARGV[4], 'f', ARGV[5], 'd', ARGV[6],
  'again', ARGV[7], 'shape', ARGV[8], 'step', ARGV[9], 't', now, 'x', now + ARGV[10],
  'owner', '', 'until', 0)
if ARGV[12] ~= '' then redis.call('HSET', KEYS[1], 'e', ARGV[12]) end
if ARGV[13] == '1' then redis.call('HSET', KEYS[1], 'm', '1') end
redis.call('PEXPIRE', KEYS[1], ARGV[10] + ARGV[11])
if KEYS[2] then
  if ARGV[1] == '' then
    redis.call('RPUSH', KEYS[2], unpack(ARGV, 15))
    redis.call('PEXPIRE', KEYS[2], ARGV[14])
  else
    -- A log without its beginning tells nothing, and nobody would say when it ends.
    redis.call('RPUSHX', KEYS[2], ARGV[15])
  end
end
return 1
