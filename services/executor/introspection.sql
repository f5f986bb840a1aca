-- name: find_client(tenant, client_id)^
-- one that is of this tenant, or of all
SELECT secret_hash, scopes
FROM api_clients
WHERE client_id = :client_id AND (tenant = :tenant OR tenant IS NULL);
