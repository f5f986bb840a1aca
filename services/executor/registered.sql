-- name: find_action(tenant, id)^
SELECT config, sealed FROM actions WHERE tenant = :tenant AND id = :id;
