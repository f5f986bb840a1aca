-- name: add_version(tenant, flow, number, graph, settings, author, note)!
-- a version of a flow that is held, which then is its newest
WITH newest AS (
    UPDATE flows SET version = :number, updated_at = now()
    WHERE tenant = :tenant AND id = :flow
)
INSERT INTO flow_versions (tenant, flow_id, number, graph, settings, author, note)
VALUES (:tenant, :flow, :number, :graph, :settings, :author, :note);

-- name: list_versions(tenant, flow, before, most)
-- a page, the newest first, before the version that was last on the page before
SELECT number, author, note, created_at AS saved_at, compiled_at
FROM flow_versions
WHERE tenant = :tenant AND flow_id = :flow
    AND (:before::bigint IS NULL OR number < :before)
ORDER BY number DESC
LIMIT :most;

-- name: record_plan(tenant, flow, version, plan, compiled_at)!
-- what the compiler made of a version; an older report never hides a newer one
UPDATE flow_versions SET plan_hash = :plan, compiled_at = :compiled_at
WHERE tenant = :tenant AND flow_id = :flow AND number = :version
    AND (compiled_at IS NULL OR compiled_at <= :compiled_at);

-- name: list_golden_tests(tenant, flow)
SELECT name, test FROM golden_tests WHERE tenant = :tenant AND flow_id = :flow ORDER BY name;

-- name: drop_golden_tests(tenant, flow)!
DELETE FROM golden_tests WHERE tenant = :tenant AND flow_id = :flow;

-- name: add_golden_tests(tenant, flow, names, tests)!
INSERT INTO golden_tests (tenant, flow_id, name, test)
SELECT :tenant, :flow, name, test::json
FROM unnest(:names::text[], :tests::text[]) AS added (name, test);
