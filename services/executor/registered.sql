-- name: find_action(tenant, id)^
SELECT config, sealed FROM actions WHERE tenant = :tenant AND id = :id;

-- name: find_provider(tenant, id)^
SELECT config, sealed FROM providers WHERE tenant = :tenant AND id = :id;
