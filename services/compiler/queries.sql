-- name: read_version(tenant, flow, version)^
-- one version, to be compiled
SELECT f.id, f.type, v.number, v.graph
FROM flow_versions AS v
JOIN flows AS f ON f.tenant = v.tenant AND f.id = v.flow_id
WHERE v.tenant = :tenant AND v.flow_id = :flow AND v.number = :version;

-- name: read_active(tenant, kind)
-- all that is active for a type, first candidate first; one row of nulls where nothing is.
-- One statement, so that the generation and what it stands for are of one moment.
SELECT p.generation, f.id, f.name, f.type, v.number, v.graph
FROM active_pointers AS p
LEFT JOIN flows AS f ON f.tenant = p.tenant AND f.type = p.type AND f.status = 'active'
LEFT JOIN flow_versions AS v
    ON v.tenant = f.tenant AND v.flow_id = f.id AND v.number = f.active_version
WHERE p.tenant = :tenant AND p.type = :kind
ORDER BY f.position;

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
