-- Looks a submit up in its session, and lets one runner at a time answer it.
-- KEYS: the session.
-- Told: owner, claim in ms, step answered or '', replay window in ms, whether the client named the
--       submit itself, shape, revision of an earlier look or '', the submit's digests.
-- Returns {verdict, revision, session and answer, effects, flow type}.
local owner, claim, step, window, named, shape, seen, digests = unpack(cmsgpack.unpack(ARGV[1]))
local revision, session, effects, kind, answered, at, again, before, current, expires, busy, moved =
  unpack(redis.call('HMGET', KEYS[1],
    'r', 'b', 'e', 'f', 'd', 't', 'again', 'shape', 'step', 'x', 'until', 'm'))
if not revision then return {'absent'} end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

if now >= tonumber(expires) then return {'expired', revision, false, false, kind} end
for _, digest in ipairs(digests) do
  if digest == answered then
    -- The view now shown may take the very same submit as a new one, as with a password typed wrong
    -- twice. Then only who says that it is a repeat is sure to be one, or who is quick.
    local sure = named or step ~= '' or again == '0'
    if sure or now - tonumber(at) < window then
      return {'answered', revision, session, effects, kind}
    end
  end
end
-- Whoever followed a link has it now, and what they are shown is nobody's who began.
if moved then return {'moved', revision, false, false, kind} end
-- What names another step, or was overtaken while it waited, or answers by its shape the step
-- before, comes from somebody who has not seen the step that is current.
if (step ~= '' and step ~= current)
  or (seen ~= '' and seen ~= revision)
  or (step == '' and before ~= '' and before == shape) then
  return {'stale', revision, session, effects, kind}
end
if current == '' then return {'ended', revision, false, false, kind} end
if busy and tonumber(busy) > now then return {'busy', revision} end
redis.call('HSET', KEYS[1], 'owner', owner, 'until', now + claim)
return {'claimed', revision, session, effects, kind}
