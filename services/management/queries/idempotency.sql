-- name: claim_key(tenant, actor, key, digest, run, seconds)$
-- take the turn of a key that is new
INSERT INTO idempotency_keys (tenant, actor, key, digest, run, runs_until)
VALUES (:tenant, :actor, :key, :digest, :run, now() + make_interval(secs => :seconds))
ON CONFLICT DO NOTHING
RETURNING true;

-- name: take_key_over(tenant, actor, key, digest, run, seconds, kept)$
-- take the turn of a key that is forgotten, or whose turn was not used in time. One that is held
-- is about to be used, and nobody waits for the end of that.
WITH free AS (
    SELECT FROM idempotency_keys
    WHERE tenant = :tenant AND actor = :actor AND key = :key
        AND (
            created_at < now() - make_interval(secs => :kept)
            OR (NOT done AND runs_until < now() AND digest = :digest)
        )
    FOR UPDATE SKIP LOCKED
)
UPDATE idempotency_keys
SET digest = :digest, run = :run, runs_until = now() + make_interval(secs => :seconds),
    done = false, status = NULL, headers = NULL, body = NULL, created_at = now()
FROM free
WHERE tenant = :tenant AND actor = :actor AND key = :key
RETURNING true;

-- name: find_key(tenant, actor, key)^
SELECT digest, runs_until > now() AS runs, done, status, headers, body
FROM idempotency_keys
WHERE tenant = :tenant AND actor = :actor AND key = :key;

-- name: hold_key(tenant, actor, key, run)$
-- let nobody take a turn over; nothing if somebody has
SELECT true FROM idempotency_keys
WHERE tenant = :tenant AND actor = :actor AND key = :key AND run = :run
FOR UPDATE;

-- name: commit_key(tenant, actor, key, run)!
-- say that a write is done, together with what it does
UPDATE idempotency_keys SET done = true
WHERE tenant = :tenant AND actor = :actor AND key = :key AND run = :run;

-- name: answer_key(tenant, actor, key, run, status, headers, body)!
-- keep what is answered to a write; null where it holds a secret
UPDATE idempotency_keys
SET done = true, runs_until = now(), status = :status, headers = :headers, body = :body
WHERE tenant = :tenant AND actor = :actor AND key = :key AND run = :run;

-- name: release_key(tenant, actor, key, run)!
-- give back the turn of a write that was refused, so that it can be sent again
DELETE FROM idempotency_keys
WHERE tenant = :tenant AND actor = :actor AND key = :key AND run = :run AND NOT done;

-- name: forget_keys(kept)!
-- but for those that are held: they are about to be used again, and nobody waits for the end of that
DELETE FROM idempotency_keys
WHERE (tenant, actor, key) IN (
    SELECT tenant, actor, key FROM idempotency_keys
    WHERE created_at < now() - make_interval(secs => :kept)
    FOR UPDATE SKIP LOCKED
);
