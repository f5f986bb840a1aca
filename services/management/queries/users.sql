-- name: list_users(tenant, email, username, phone, after_time, after_id, most)
-- a page by age, of those that are called one of these where there is any
SELECT id, email, username, phone, email_verified, blocked, attributes, logins_count,
    last_login_at, created_at, updated_at
FROM users
WHERE tenant = :tenant
    AND (num_nonnulls(:email::text, :username::text, :phone::text) = 0
        OR email = :email OR username = :username OR phone = :phone)
    AND (:after_time::timestamptz IS NULL OR (created_at, id) > (:after_time, :after_id::uuid))
ORDER BY created_at, id
LIMIT :most;

-- name: find_user(tenant, user)^
SELECT id, email, username, phone, email_verified, blocked, attributes, logins_count,
    last_login_at, created_at, updated_at
FROM users
WHERE tenant = :tenant AND id = :user;

-- name: hold_user(tenant, user)$
-- let nobody else change a user until the end
SELECT true FROM users WHERE tenant = :tenant AND id = :user FOR UPDATE;

-- name: add_user(tenant, user, key, email, username, phone, email_verified, attributes, password)^
INSERT INTO users
    (tenant, id, creation_key, email, username, phone, email_verified, attributes, password_hash)
VALUES
    (:tenant, :user, :key, :email, :username, :phone, :email_verified, :attributes, :password)
RETURNING id, email, username, phone, email_verified, blocked, attributes, logins_count,
    last_login_at, created_at, updated_at;

-- name: edit_user(tenant, user, email, username, phone, email_verified, blocked, attributes)^
UPDATE users
SET email = :email,
    username = :username,
    phone = :phone,
    email_verified = :email_verified,
    blocked = :blocked,
    attributes = :attributes,
    updated_at = now()
WHERE tenant = :tenant AND id = :user
RETURNING id, email, username, phone, email_verified, blocked, attributes, logins_count,
    last_login_at, created_at, updated_at;

-- name: delete_user(tenant, user)!
-- with all credentials
DELETE FROM users WHERE tenant = :tenant AND id = :user;

-- name: list_credentials(tenant, user)
-- what the user may prove themselves by, and never the secret of it
SELECT 'password' AS id, 'password' AS kind, NULL::timestamptz AS created_at
FROM users
WHERE tenant = :tenant AND id = :user AND password_hash IS NOT NULL
UNION ALL
SELECT 'totp', 'totp', t.created_at
FROM users AS u
JOIN totp_credentials AS t ON t.user_id = u.id
WHERE u.tenant = :tenant AND u.id = :user AND t.confirmed
UNION ALL
SELECT 'recovery_codes', 'recovery_codes', min(r.created_at)
FROM users AS u
JOIN recovery_codes AS r ON r.user_id = u.id
WHERE u.tenant = :tenant AND u.id = :user
HAVING count(*) > 0
UNION ALL
SELECT 'webauthn-' || encode(sha256(p.credential_id), 'hex'), 'webauthn', p.created_at
FROM users AS u
JOIN passkeys AS p ON p.user_id = u.id
WHERE u.tenant = :tenant AND u.id = :user
UNION ALL
-- An issuer is a URL, and so without spaces.
SELECT 'openid-' || encode(sha256(convert_to(e.issuer || ' ' || e.subject, 'UTF8')), 'hex'),
    'openid', e.created_at
FROM users AS u
JOIN external_identities AS e ON e.user_id = u.id
WHERE u.tenant = :tenant AND u.id = :user;

-- name: drop_password(user)!
UPDATE users SET password_hash = NULL, updated_at = now() WHERE id = :user;

-- name: drop_totp(user)!
DELETE FROM totp_credentials WHERE user_id = :user;

-- name: drop_recovery_codes(user)!
DELETE FROM recovery_codes WHERE user_id = :user;

-- name: drop_passkey(user, credential)!
DELETE FROM passkeys
WHERE user_id = :user
    AND 'webauthn-' || encode(sha256(credential_id), 'hex') = :credential;

-- name: drop_external_identity(user, credential)!
DELETE FROM external_identities
WHERE user_id = :user
    AND 'openid-' || encode(sha256(convert_to(issuer || ' ' || subject, 'UTF8')), 'hex')
    = :credential;

-- name: list_sign_ins(tenant, account, most)
-- those that stand, the newest first
SELECT sid, created_at, auth_time, amr, acr, least(ends_at, idle_until) AS ends_at
FROM sign_ins
WHERE tenant = :tenant AND account = :account AND ended_at IS NULL AND least(ends_at, idle_until) > now()
ORDER BY created_at DESC, sid
LIMIT :most;

-- name: end_sign_in(tenant, account, sid)$
-- true where it stood
UPDATE sign_ins SET ended_at = now()
WHERE tenant = :tenant AND account = :account AND sid = :sid
    AND ended_at IS NULL AND least(ends_at, idle_until) > now()
RETURNING true;

-- name: end_sign_ins(tenant, account)$
-- how many stood
WITH ended AS (
    UPDATE sign_ins SET ended_at = now()
    WHERE tenant = :tenant AND account = :account AND ended_at IS NULL AND least(ends_at, idle_until) > now()
    RETURNING sid
)
SELECT count(*) FROM ended;
