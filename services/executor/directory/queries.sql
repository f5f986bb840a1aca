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

-- name: renew_password_hash(tenant, account, dated, renewed)!
-- put another hash of the same password there, unless another password has been set meanwhile
UPDATE users SET password_hash = :renewed
WHERE tenant = :tenant AND id = :account AND password_hash = :dated;

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
    EXISTS (SELECT FROM passkeys AS p WHERE p.user_id = u.id) AS webauthn,
    -- Those that are spent as well: who has none left is not let off the second factor.
    EXISTS (SELECT FROM recovery_codes AS r WHERE r.user_id = u.id) AS recovery_code
FROM users AS u
WHERE u.tenant = :tenant AND u.id = :account AND NOT u.blocked;

-- name: create(id, tenant, key, email, verified, username, phone, attributes, password_hash)$
-- a new account, or the one that this key made before
INSERT INTO users AS u
    (id, tenant, creation_key, email, email_verified, username, phone, attributes, password_hash)
SELECT
    :id::uuid, :tenant, :key, :email, :verified::boolean, :username, :phone, :attributes::jsonb,
    :password_hash
-- One at a time by a key: of two that insert at once, the second may meet the address of the first
-- before its key, and would tell somebody that their own address is taken.
FROM pg_advisory_xact_lock(hashtextextended((:key::uuid)::text, 0))
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

-- name: kept(tenant, account)^
-- what is kept here of an account that is somebody else's
SELECT
    u.blocked, u.logins_count, extract(epoch FROM u.last_login_at)::bigint AS last_login,
    EXISTS (SELECT FROM totp_credentials AS t WHERE t.user_id = u.id AND t.confirmed) AS totp,
    EXISTS (SELECT FROM passkeys AS p WHERE p.user_id = u.id) AS webauthn,
    EXISTS (SELECT FROM recovery_codes AS r WHERE r.user_id = u.id) AS recovery_code
FROM users AS u
WHERE u.tenant = :tenant AND u.id = :account;

-- name: adopt(tenant, account)$
-- a row to keep it under; nothing where another tenant has one of this id
INSERT INTO users AS u (id, tenant, creation_key)
SELECT :account, :tenant, :account
-- One at a time, or the second may meet the first by its key, which is no conflict of ids.
FROM pg_advisory_xact_lock(hashtextextended((:account::uuid)::text, 0))
ON CONFLICT (id) DO UPDATE SET tenant = excluded.tenant WHERE u.tenant = excluded.tenant
RETURNING true;

-- name: find_invitation(tenant, token)^
-- one that is good
SELECT id, attributes
FROM invitations
WHERE tenant = :tenant AND token_hash = :token AND used_by IS NULL AND expires_at > now();

-- name: use_invitation(tenant, id, key)$
-- true for whoever uses it first, and for a repeat of theirs; others wait here until that is known
UPDATE invitations SET used_by = :key, used_at = coalesce(used_at, now())
WHERE tenant = :tenant AND id = :id AND coalesce(used_by, :key) = :key
    AND (used_by IS NOT NULL OR expires_at > now())
RETURNING true;

-- name: give_back_invitation(tenant, id, key)!
-- what was used for a write that was then refused
UPDATE invitations SET used_by = NULL, used_at = NULL
WHERE tenant = :tenant AND id = :id AND used_by = :key;

-- name: hold(tenant, account)$
-- nothing where there is no such account; until the end it stays, and nobody else gives it a factor
SELECT true FROM users WHERE tenant = :tenant AND id = :account AND NOT blocked
FOR NO KEY UPDATE;

-- name: has_factor(account)$
-- of an account that is held
SELECT
    EXISTS (SELECT FROM totp_credentials WHERE user_id = :account AND confirmed)
    OR EXISTS (SELECT FROM passkeys WHERE user_id = :account)
    OR EXISTS (SELECT FROM recovery_codes WHERE user_id = :account);

-- name: enrol_totp(account, sealed)!
-- the authenticator of an account that is held
INSERT INTO totp_credentials (user_id, sealed, confirmed) VALUES (:account, :sealed, true)
ON CONFLICT (user_id) DO UPDATE SET
    sealed = excluded.sealed, confirmed = true, created_at = now();

-- name: keep_recovery_codes(account, digests)!
-- these and no others, of an account that is held; those that are there already stay as they are
WITH gone AS (
    DELETE FROM recovery_codes
    WHERE user_id = :account AND digest <> ALL (:digests::bytea[])
)
INSERT INTO recovery_codes (user_id, digest)
SELECT :account, unnest(:digests::bytea[])
ON CONFLICT DO NOTHING;

-- name: has_recovery_codes(tenant, account, digests)$
-- whether these were kept, spent since or not; they are kept all at once
SELECT EXISTS (
    SELECT FROM recovery_codes AS r
    JOIN users AS u ON u.id = r.user_id
    WHERE u.tenant = :tenant AND u.id = :account AND NOT u.blocked
        AND r.digest = ANY (:digests::bytea[])
);

-- name: spend_recovery_code(tenant, account, digests, attempt)$
-- true for whoever spends it first, and for a repeat of theirs
UPDATE recovery_codes AS r SET spent_by = :attempt
FROM users AS u
WHERE u.id = r.user_id AND u.tenant = :tenant AND u.id = :account AND NOT u.blocked
    AND r.digest = ANY (:digests::bytea[])
    AND coalesce(r.spent_by, :attempt) = :attempt
RETURNING true;

-- name: recall_consent(tenant, account, purpose, at)$
SELECT true
FROM consents AS c
JOIN users AS u ON u.id = c.user_id
WHERE u.tenant = :tenant AND u.id = :account AND NOT u.blocked AND c.purpose = :purpose
    AND (c.until IS NULL OR c.until > to_timestamp(:at));

-- name: keep_consent(tenant, account, purpose, until)!
INSERT INTO consents (user_id, purpose, until)
SELECT id, :purpose, to_timestamp(:until::bigint)
FROM users
WHERE tenant = :tenant AND id = :account AND NOT blocked
-- Or an account that is deleted meanwhile would be found here, and missed by the foreign key.
FOR KEY SHARE
ON CONFLICT (user_id, purpose) DO UPDATE SET given_at = now(), until = excluded.until;

-- name: delete(tenant, account)!
-- with all that it has
DELETE FROM users WHERE tenant = :tenant AND id = :account;

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
