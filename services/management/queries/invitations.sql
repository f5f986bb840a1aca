-- name: list_invitations(tenant, after_time, after_id, most)
-- a page by age
SELECT id, flow, attributes, created_at, expires_at, used_at
FROM invitations
WHERE tenant = :tenant
    AND (:after_time::timestamptz IS NULL OR (created_at, id) > (:after_time, :after_id::uuid))
ORDER BY created_at, id
LIMIT :most;

-- name: find_invitation(tenant, id)^
SELECT id, flow, attributes, created_at, expires_at, used_at
FROM invitations
WHERE tenant = :tenant AND id = :id;

-- name: hold_invitation(tenant, id)$
-- let nobody else change or use an invitation until the end
SELECT true FROM invitations WHERE tenant = :tenant AND id = :id FOR UPDATE;

-- name: add_invitation(tenant, id, token_hash, flow, attributes, seconds)^
INSERT INTO invitations (tenant, id, token_hash, flow, attributes, expires_at)
VALUES (
    :tenant, :id, :token_hash, :flow, :attributes, now() + make_interval(secs => :seconds::integer)
)
RETURNING id, flow, attributes, created_at, expires_at, used_at;

-- name: delete_invitation(tenant, id)!
DELETE FROM invitations WHERE tenant = :tenant AND id = :id;
