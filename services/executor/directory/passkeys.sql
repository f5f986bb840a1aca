-- name: list_passkeys(tenant, account, site)
-- the passkeys of an account, the oldest first
SELECT p.credential_id AS id, p.transports
FROM passkeys AS p
JOIN users AS u ON u.id = p.user_id
WHERE u.tenant = :tenant AND u.id = :account AND p.site = :site AND NOT u.blocked
ORDER BY p.created_at, p.credential_id;

-- name: find_passkey(tenant, id, site)^
-- as if there were none where its owner is blocked
SELECT p.user_id, p.public_key, p.bound
FROM passkeys AS p
JOIN users AS u ON u.id = p.user_id
WHERE p.tenant = :tenant AND p.credential_id = :id AND p.site = :site AND NOT u.blocked;

-- name: use_passkey(tenant, id, sign_count, attempt)$
-- nothing where the counter does not grow (Web Authentication, 7.2, step 21), but in a repeat
UPDATE passkeys SET sign_count = :sign_count, used_by = :attempt, used_at = now()
WHERE tenant = :tenant AND credential_id = :id
    AND (
        sign_count < :sign_count
        OR (sign_count = 0 AND :sign_count = 0)
        OR (sign_count = :sign_count AND used_by = :attempt)
    )
RETURNING true;

-- name: passkey_made_in(tenant, account, session)$
SELECT EXISTS (
    SELECT FROM passkeys AS p
    JOIN users AS u ON u.id = p.user_id
    WHERE u.tenant = :tenant AND u.id = :account AND p.made_in = :session AND NOT u.blocked
);

-- name: keep_passkey(tenant, account, most, site, id, public_key, sign_count, bound, transports, session)$
-- nothing where the account, which is held, has `most` others, or somebody has this one
INSERT INTO passkeys AS p
    (tenant, credential_id, user_id, site, public_key, sign_count, bound, transports, made_in)
SELECT :tenant, :id, :account, :site, :public_key, :sign_count, :bound, :transports, :session
WHERE (
    SELECT count(*) FROM passkeys AS other
    WHERE other.user_id = :account AND other.credential_id <> :id
) < :most
ON CONFLICT (tenant, credential_id) DO UPDATE SET site = excluded.site
WHERE p.user_id = excluded.user_id AND p.public_key = excluded.public_key
RETURNING true;
