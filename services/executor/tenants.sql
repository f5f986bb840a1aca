-- name: find_tenant(tenant)^
SELECT coalesce(display_name, name) AS display_name, settings FROM tenants WHERE name = :tenant;
