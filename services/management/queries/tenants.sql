-- name: answer()$
SELECT true;

-- name: find_tenant(tenant)$
-- whether there is such a tenant
SELECT true FROM tenants WHERE name = :tenant;

-- name: find_tier(tenant)$
SELECT tier FROM tenants WHERE name = :tenant;

-- name: add_tenants(tenants)!
-- those that are not there yet; in one order always, so that no two replicas wait for each other
INSERT INTO tenants (name)
SELECT name FROM unnest(:tenants::text[]) AS wanted (name) ORDER BY name
ON CONFLICT DO NOTHING;

-- name: list_tenants(after, most)
-- a page by name
SELECT name, coalesce(display_name, name) AS display_name, tier, settings, created_at, updated_at
FROM tenants
WHERE :after::text IS NULL OR name > :after
ORDER BY name
LIMIT :most;

-- name: read_tenant(tenant)^
SELECT name, coalesce(display_name, name) AS display_name, tier, settings, created_at, updated_at
FROM tenants
WHERE name = :tenant;

-- name: add_tenant(tenant, display_name, tier, settings)^
-- nothing where there is one of the name
INSERT INTO tenants (name, display_name, tier, settings)
VALUES (:tenant, :display_name, :tier, :settings)
ON CONFLICT DO NOTHING
RETURNING name, coalesce(display_name, name) AS display_name, tier, settings, created_at,
    updated_at;

-- name: edit_tenant(tenant, display_name, tier, settings)^
UPDATE tenants
SET display_name = :display_name, tier = :tier, settings = :settings, updated_at = now()
WHERE name = :tenant
RETURNING name, display_name, tier, settings, created_at, updated_at;

-- name: hold_active(tenant)$
-- let nobody else change what is active in the tenant; rows that refer to it can still be added
SELECT true FROM tenants WHERE name = :tenant FOR NO KEY UPDATE;

-- name: read_invariants(tenant)$
SELECT invariants FROM tenants WHERE name = :tenant;

-- name: write_invariants(tenant, invariants)!
UPDATE tenants SET invariants = :invariants WHERE name = :tenant;

-- name: read_library(tenant)
-- what flows are compiled with: all that are active, at each version that new sessions may get, and
-- the invariants; one row without a flow where none is active. One statement, so that all is of one
-- moment.
SELECT t.invariants, f.id, f.type, f.name, v.number, v.graph, v.settings,
    v.number = f.active_version AS is_active
FROM tenants AS t
LEFT JOIN flows AS f ON f.tenant = t.name AND f.status = 'active'
LEFT JOIN LATERAL (
    SELECT f.active_version AS number
    UNION
    SELECT (share ->> 'version')::integer
    FROM json_array_elements(f.rollout -> 'versions') AS share
) AS given ON true
LEFT JOIN flow_versions AS v
    ON v.tenant = f.tenant AND v.flow_id = f.id AND v.number = given.number
WHERE t.name = :tenant
ORDER BY f.position, f.id, v.number;
