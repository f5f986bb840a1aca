-- name: list_clients(tenant, everywhere, after_time, after_id, most)
-- a page by age; those that are good for every tenant only if `everywhere`
SELECT client_id, tenant IS NULL AS every_tenant, name, scopes, created_at, updated_at, rotated_at
FROM api_clients
WHERE (tenant = :tenant OR (tenant IS NULL AND :everywhere::boolean))
    AND (:after_time::timestamptz IS NULL OR (created_at, client_id) > (:after_time, :after_id))
ORDER BY created_at, client_id
LIMIT :most;

-- name: find_client(tenant, everywhere, client_id)^
SELECT client_id, tenant IS NULL AS every_tenant, name, scopes, created_at, updated_at, rotated_at
FROM api_clients
WHERE client_id = :client_id
    AND (tenant = :tenant OR (tenant IS NULL AND :everywhere::boolean));

-- name: hold_client(client_id)$
-- let nobody else change a client until the end
SELECT true FROM api_clients WHERE client_id = :client_id FOR UPDATE;

-- name: find_secret(tenant, client_id)^
-- what a client that may ask for tokens of this tenant has to know, and what it then gets
SELECT secret_hash, tenant IS NULL AS every_tenant, scopes
FROM api_clients
WHERE client_id = :client_id AND (tenant = :tenant OR tenant IS NULL);

-- name: find_standing(client_id)^
-- what the tokens of a client hang on
SELECT secret_hash, scopes FROM api_clients WHERE client_id = :client_id;

-- name: add_client(client_id, tenant, name, scopes, secret_hash)^
INSERT INTO api_clients (client_id, tenant, name, scopes, secret_hash)
VALUES (:client_id, :tenant, :name, :scopes, :secret_hash)
RETURNING client_id, tenant IS NULL AS every_tenant, name, scopes, created_at, updated_at,
    rotated_at;

-- name: edit_client(client_id, name, scopes)^
UPDATE api_clients SET name = :name, scopes = :scopes, updated_at = now()
WHERE client_id = :client_id
RETURNING client_id, tenant IS NULL AS every_tenant, name, scopes, created_at, updated_at,
    rotated_at;

-- name: rotate_secret(client_id, secret_hash)^
UPDATE api_clients SET secret_hash = :secret_hash, rotated_at = now(), updated_at = now()
WHERE client_id = :client_id
RETURNING client_id, tenant IS NULL AS every_tenant, name, scopes, created_at, updated_at,
    rotated_at;

-- name: delete_client(client_id)!
DELETE FROM api_clients WHERE client_id = :client_id;

-- name: use_bootstrap(token_hash)$
-- true for whoever uses the token first; others wait here until that is committed
INSERT INTO bootstraps (token_hash) VALUES (:token_hash) ON CONFLICT DO NOTHING RETURNING true;
