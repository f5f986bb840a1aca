-- name: find(tenant, kinds, identifier)$
-- the account that is called so; one index scan for each kind, whether or not there is one
SELECT id FROM (
    SELECT id, 'email' AS kind FROM users
    WHERE tenant = :tenant AND email = :identifier AND NOT blocked
    UNION ALL
    SELECT id, 'username' FROM users
    WHERE tenant = :tenant AND username = :identifier AND NOT blocked
    UNION ALL
    SELECT id, 'phone' FROM users
    WHERE tenant = :tenant AND phone = :identifier AND NOT blocked
) AS called
WHERE kind = ANY (:kinds::text[])
ORDER BY array_position(:kinds::text[], kind)
LIMIT 1;

-- name: password_hash(tenant, account)$
-- the hash of the account's password
SELECT password_hash FROM users WHERE tenant = :tenant AND id = :account AND NOT blocked;

-- name: totp_secret(tenant, account)$
-- what the account shares with its authenticator, sealed
SELECT t.sealed
FROM totp_credentials AS t
JOIN users AS u ON u.id = t.user_id
WHERE u.tenant = :tenant AND u.id = :account AND t.confirmed AND NOT u.blocked;

-- name: load(tenant, account)^
-- what is known of the account
SELECT
    u.id, u.email, u.username, u.phone, u.email_verified, u.attributes, u.logins_count,
    extract(epoch FROM u.last_login_at)::bigint AS last_login,
    extract(epoch FROM u.created_at)::bigint AS created_at,
    extract(epoch FROM u.updated_at)::bigint AS updated_at,
    EXISTS (SELECT FROM totp_credentials AS t WHERE t.user_id = u.id AND t.confirmed) AS totp,
    EXISTS (SELECT FROM passkeys AS p WHERE p.user_id = u.id) AS webauthn
FROM users AS u
WHERE u.tenant = :tenant AND u.id = :account AND NOT u.blocked;

-- name: create(id, tenant, key, email, verified, username, phone, attributes, password_hash)$
-- a new account, or the one that this key made before
INSERT INTO users AS u
    (id, tenant, creation_key, email, email_verified, username, phone, attributes, password_hash)
VALUES (:id, :tenant, :key, :email, :verified, :username, :phone, :attributes, :password_hash)
ON CONFLICT (creation_key) DO UPDATE SET
    email = excluded.email,
    email_verified = excluded.email_verified,
    username = excluded.username,
    phone = excluded.phone,
    attributes = excluded.attributes,
    password_hash = excluded.password_hash,
    updated_at = now()
WHERE u.tenant = excluded.tenant
RETURNING u.id;

-- name: update(tenant, account, email, verified, username, phone, attributes, password_hash)$
-- what is given, onto the account; another address has yet to be verified
UPDATE users SET
    email = coalesce(:email, email),
    email_verified = :verified OR (email_verified AND coalesce(:email = email, true)),
    username = coalesce(:username, username),
    phone = coalesce(:phone, phone),
    attributes = attributes || :attributes,
    password_hash = coalesce(:password_hash, password_hash),
    updated_at = now()
WHERE tenant = :tenant AND id = :account AND NOT blocked
RETURNING id;

-- name: verify_email(tenant, account, email)$
-- that mail to this address reaches the account's owner
UPDATE users SET email_verified = true, updated_at = now()
WHERE tenant = :tenant AND id = :account AND email = :email AND NOT blocked
RETURNING id;

-- name: enrol_totp(tenant, account, sealed)!
-- the account's authenticator
INSERT INTO totp_credentials (user_id, sealed, confirmed)
SELECT id, :sealed, true FROM users WHERE tenant = :tenant AND id = :account
ON CONFLICT (user_id) DO UPDATE SET
    sealed = excluded.sealed, confirmed = true, created_at = now();

-- name: count_login(tenant, account, at, effect)!
-- a login, unless this effect has been performed
WITH fresh AS (
    INSERT INTO performed_effects (id) VALUES (:effect) ON CONFLICT DO NOTHING RETURNING id
)
UPDATE users SET
    logins_count = logins_count + 1,
    last_login_at = greatest(last_login_at, to_timestamp(:at))
WHERE EXISTS (SELECT FROM fresh) AND tenant = :tenant AND id = :account;

-- name: forget_effects(days)!
-- effects so old that nobody tells of them again
DELETE FROM performed_effects WHERE performed_at < now() - make_interval(days => :days);

-- name: reach()$
-- whether anybody answers who knows of accounts
SELECT EXISTS (SELECT FROM users);
