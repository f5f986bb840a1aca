-- Looks a submit up in its session, and lets one runner at a time answer it.
-- KEYS: the session.
-- ARGV: owner, claim in ms, step answered or '', replay window in ms, '1' if the client named the
--       submit itself, shape, revision of an earlier look or '', then the submit's digests.
-- Returns {verdict, revision, session, answer, effects, flow type}.
local names = {'r', 'b', 'a', 'e', 'f', 'd', 't', 'again', 'shape', 'step', 'x', 'until'}
local values = redis.call('HMGET', KEYS[1], unpack(names))
local session = {}
for at, name in ipairs(names) do session[name] = values[at] end
if not session.r then return {'absent'} end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local owner, claim, step, window, named, shape, seen =
  ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5] == '1', ARGV[6], ARGV[7]
local function answer(verdict)
  return {verdict, session.r, false, session.a, session.e, session.f}
end
local function among(digest)
  for at = 8, #ARGV do if ARGV[at] == digest then return true end end
  return false
end

if now >= tonumber(session.x) then return answer('expired') end
if among(session.d) then
  -- The view now shown may take the very same submit as a new one, as with a password typed wrong
  -- twice. Then only who says that it is a repeat is sure to be one, or who is quick.
  local sure = named or step ~= '' or session.again == '0'
  if sure or now - tonumber(session.t) < window then return answer('answered') end
end
-- What names another step, or was overtaken while it waited, or answers by its shape the step
-- before, comes from somebody who has not seen the step that is current.
if (step ~= '' and step ~= session.step)
  or (seen ~= '' and seen ~= session.r)
  or (step == '' and session.shape ~= '' and session.shape == shape) then
  return answer('stale')
end
if session.step == '' then return answer('ended') end
if session['until'] and tonumber(session['until']) > now then
  return {'busy', session.r}
end
redis.call('HSET', KEYS[1], 'owner', owner, 'until', now + claim)
return {'claimed', session.r, session.b, false, session.e, session.f}
