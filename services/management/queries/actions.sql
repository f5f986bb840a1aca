-- name: list_actions(tenant, after_time, after_id, most)
-- a page by age
SELECT id, display_name, config, sealed IS NOT NULL AS has_secret, created_at, updated_at
FROM actions
WHERE tenant = :tenant
    AND (:after_time::timestamptz IS NULL OR (created_at, id) > (:after_time, :after_id))
ORDER BY created_at, id
LIMIT :most;

-- name: find_action(tenant, id)^
SELECT id, display_name, config, sealed IS NOT NULL AS has_secret, created_at, updated_at
FROM actions
WHERE tenant = :tenant AND id = :id;

-- name: hold_action(tenant, id)$
-- let nobody else change an action until the end
SELECT true FROM actions WHERE tenant = :tenant AND id = :id FOR UPDATE;

-- name: add_action(tenant, id, display_name, config, sealed)^
-- nothing where there is one of the id
INSERT INTO actions (tenant, id, display_name, config, sealed)
VALUES (:tenant, :id, :display_name, :config, :sealed)
ON CONFLICT DO NOTHING
RETURNING id, display_name, config, sealed IS NOT NULL AS has_secret, created_at, updated_at;

-- name: edit_action(tenant, id, display_name, config, keeps, sealed)^
-- the secret stays if `keeps`
UPDATE actions
SET display_name = :display_name,
    config = :config,
    sealed = CASE WHEN :keeps::boolean THEN sealed ELSE :sealed::bytea END,
    updated_at = now()
WHERE tenant = :tenant AND id = :id
RETURNING id, display_name, config, sealed IS NOT NULL AS has_secret, created_at, updated_at;

-- name: delete_action(tenant, id)!
DELETE FROM actions WHERE tenant = :tenant AND id = :id;

-- name: list_registered(tenant)
-- all that nodes of a tenant's flows may name
SELECT 'action' AS kind, id FROM actions WHERE tenant = :tenant
UNION ALL
SELECT 'provider' AS kind, id FROM providers WHERE tenant = :tenant;
