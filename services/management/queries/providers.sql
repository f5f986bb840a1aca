-- name: list_providers(tenant, after_time, after_id, most)
-- a page by age
SELECT id, display_name, config, sealed IS NOT NULL AS has_secret, created_at, updated_at
FROM providers
WHERE tenant = :tenant
    AND (:after_time::timestamptz IS NULL OR (created_at, id) > (:after_time, :after_id))
ORDER BY created_at, id
LIMIT :most;

-- name: find_provider(tenant, id)^
SELECT id, display_name, config, sealed IS NOT NULL AS has_secret, created_at, updated_at
FROM providers
WHERE tenant = :tenant AND id = :id;

-- name: hold_provider(tenant, id)$
-- let nobody else change a provider until the end
SELECT true FROM providers WHERE tenant = :tenant AND id = :id FOR UPDATE;

-- name: add_provider(tenant, id, display_name, config, sealed)^
-- nothing where there is one of the id
INSERT INTO providers (tenant, id, display_name, kind, config, sealed)
VALUES (:tenant, :id, :display_name, :config::json ->> 'kind', :config::json, :sealed)
ON CONFLICT DO NOTHING
RETURNING id, display_name, config, sealed IS NOT NULL AS has_secret, created_at, updated_at;

-- name: edit_provider(tenant, id, display_name, config, keeps, sealed)^
-- the secret stays if `keeps`
UPDATE providers
SET display_name = :display_name,
    kind = :config::json ->> 'kind',
    config = :config::json,
    sealed = CASE WHEN :keeps::boolean THEN sealed ELSE :sealed::bytea END,
    updated_at = now()
WHERE tenant = :tenant AND id = :id
RETURNING id, display_name, config, sealed IS NOT NULL AS has_secret, created_at, updated_at;

-- name: delete_provider(tenant, id)!
DELETE FROM providers WHERE tenant = :tenant AND id = :id;
