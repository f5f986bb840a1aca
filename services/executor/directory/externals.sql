-- name: find_external(tenant, issuer, subject)^
SELECT e.user_id, u.blocked
FROM external_identities AS e
JOIN users AS u ON u.id = e.user_id
WHERE e.tenant = :tenant AND e.issuer = :issuer AND e.subject = :subject;

-- name: link_external(tenant, account, issuer, subject)$
-- nothing where another account is known so
INSERT INTO external_identities AS e (tenant, issuer, subject, user_id)
SELECT u.tenant, :issuer, :subject, u.id FROM users AS u
WHERE u.tenant = :tenant AND u.id = :account AND NOT u.blocked
-- Or an account that is deleted meanwhile would be found here, and missed by the foreign key.
FOR KEY SHARE
ON CONFLICT (tenant, issuer, subject) DO UPDATE SET created_at = e.created_at
WHERE e.user_id = excluded.user_id
RETURNING true;
