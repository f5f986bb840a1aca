-- name: read_version(tenant, flow, version)^
-- one version, to be compiled
SELECT f.id, f.name, f.type, v.number, v.graph, v.settings
FROM flow_versions AS v
JOIN flows AS f ON f.tenant = v.tenant AND f.id = v.flow_id
WHERE v.tenant = :tenant AND v.flow_id = :flow AND v.number = :version;

-- name: read_active(tenant)
-- all that is active, first candidate of each type first, with every version that a new session may
-- get; and what flows are compiled with. One row of nulls where nothing is active, none for a
-- tenant that is none. One statement, so that the generations and what they stand for are of one
-- moment.
SELECT
    (
        SELECT json_object_agg(p.type, p.generation)
        FROM active_pointers AS p
        WHERE p.tenant = t.name
    ) AS generations,
    t.invariants, f.id, f.name, f.type, f.active_version, f.rollout,
    v.number, v.graph, v.settings
FROM tenants AS t
LEFT JOIN flows AS f ON f.tenant = t.name AND f.status = 'active'
LEFT JOIN flow_versions AS v
    ON v.tenant = f.tenant AND v.flow_id = f.id AND (
        v.number = f.active_version
        OR v.number IN (
            SELECT (share ->> 'version')::integer
            FROM json_array_elements(f.rollout -> 'versions') AS share
        )
    )
WHERE t.name = :tenant
ORDER BY f.position, f.id, v.number;

-- name: read_generations(after_tenant, after_kind, most)
-- every pointer that there should be, a page at a time
SELECT tenant, type, generation
FROM active_pointers
WHERE (tenant, type) > (:after_tenant, :after_kind)
ORDER BY tenant, type
LIMIT :most;

-- name: reach()$
-- that PostgreSQL answers, and has our tables
SELECT count(*) FROM (SELECT FROM active_pointers LIMIT 1) AS any_pointer;
