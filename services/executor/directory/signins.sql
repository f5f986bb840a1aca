-- name: keep_sign_in(tenant, sid, account, auth_time, amr, acr, hours, idle)$
-- true unless it was ended, or its account is blocked; again, it is as it is told now, and lasts no
-- longer
WITH owner AS (
    -- Held: whoever is blocking the account has done so, or comes after this and ends it.
    SELECT blocked FROM users WHERE tenant = :tenant AND id = (:account::text)::uuid
    FOR SHARE
)
INSERT INTO sign_ins AS s (tenant, sid, account, auth_time, amr, acr, ends_at, idle_until)
SELECT
    :tenant, :sid, :account, to_timestamp(:auth_time::bigint), :amr, :acr,
    now() + make_interval(hours => :hours), now() + make_interval(mins => :idle)
WHERE NOT EXISTS (SELECT FROM owner WHERE blocked)
ON CONFLICT (tenant, sid) DO UPDATE SET
    account = excluded.account,
    auth_time = excluded.auth_time,
    amr = excluded.amr,
    acr = excluded.acr,
    idle_until = excluded.idle_until
WHERE s.ended_at IS NULL
RETURNING true;

-- name: find_sign_in(tenant, sid)^
-- one that stands
SELECT
    account, amr, acr,
    extract(epoch FROM auth_time)::bigint AS auth_time,
    extract(epoch FROM least(ends_at, idle_until))::bigint AS ends_at
FROM sign_ins
WHERE tenant = :tenant AND sid = :sid AND ended_at IS NULL AND least(ends_at, idle_until) > now();

-- name: use_sign_in(tenant, sid, idle)!
-- one that stands, and may be idle for no longer; written once in a tenth of that
UPDATE sign_ins SET idle_until = now() + make_interval(mins => :idle)
WHERE tenant = :tenant AND sid = :sid AND ended_at IS NULL AND least(ends_at, idle_until) > now()
    AND idle_until < now() + 0.9 * make_interval(mins => :idle);

-- name: end_sign_in(tenant, sid)!
UPDATE sign_ins SET ended_at = now()
WHERE tenant = :tenant AND sid = :sid AND ended_at IS NULL;

-- name: end_sign_ins(tenant, account, but)!
-- all of an account, but for one
UPDATE sign_ins SET ended_at = now()
WHERE tenant = :tenant AND account = :account AND ended_at IS NULL
    AND sid IS DISTINCT FROM :but::text;

-- name: forget_sign_ins(most)$
-- how many were, of those that are of no use to anybody
WITH gone AS (
    DELETE FROM sign_ins
    WHERE (tenant, sid) IN (
        SELECT tenant, sid FROM sign_ins WHERE ends_at < now()
        LIMIT :most FOR UPDATE SKIP LOCKED
    )
    RETURNING true
)
SELECT count(*) FROM gone;

-- name: reach()$
-- whether anybody answers who knows of sign-ins
SELECT EXISTS (SELECT FROM sign_ins);
