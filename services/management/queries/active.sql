-- name: bump_pointers(tenant, types)!
-- say that what is active changes, and let nobody else change it before this is committed.
-- In one order always, so that no two wait for each other.
INSERT INTO active_pointers (tenant, type, generation)
SELECT :tenant, type, 1 FROM unnest(:types::text[]) AS moved (type) ORDER BY type
ON CONFLICT (tenant, type) DO UPDATE SET generation = active_pointers.generation + 1;

-- name: activate_flow(tenant, flow, version, rollout)$
-- let a version run, alone or with those of a rollout: first of its type, or where it stands
-- already. What is active is held, so nobody takes the same position.
UPDATE flows AS f
SET status = 'active', active_version = :version, rollout = :rollout, activated_at = now(),
    activates_itself = false,
    position = coalesce(position, (
        SELECT coalesce(min(other.position), 0) - 1
        FROM flows AS other
        WHERE other.tenant = f.tenant AND other.type = f.type AND other.status = 'active'
    ))
WHERE tenant = :tenant AND id = :flow
RETURNING activated_at;

-- name: deactivate_flow(tenant, flow)$
UPDATE flows
SET status = 'inactive', active_version = NULL, rollout = NULL, position = NULL,
    activates_itself = false, deactivated_at = now()
WHERE tenant = :tenant AND id = :flow
RETURNING deactivated_at;

-- name: end_rollout(tenant, flow)!
-- give all new sessions to the baseline, which is the active version
UPDATE flows SET rollout = NULL WHERE tenant = :tenant AND id = :flow;

-- name: list_candidates(tenant, type)
-- the active flows of a type, the first candidate first
SELECT id, name, display_name, active_version AS version
FROM flows
WHERE tenant = :tenant AND type = :type AND status = 'active'
ORDER BY position;

-- name: order_candidates(tenant, type, flows)!
-- give the active flows this order. Every position lies before all that are taken, so that no two
-- are ever the same.
UPDATE flows AS f
SET position = before.least - before.many + ordered.place
FROM unnest(:flows::text[]) WITH ORDINALITY AS ordered (id, place),
    (
        SELECT min(position) - 1 AS least, count(*) AS many
        FROM flows
        WHERE tenant = :tenant AND type = :type AND status = 'active'
    ) AS before
WHERE f.tenant = :tenant AND f.id = ordered.id;

-- name: find_active_before(tenant, flow, version)$
-- which version was active before `version` was
SELECT (details ->> 'was')::integer
FROM audit_log
WHERE tenant = :tenant AND flow_id = :flow AND (details ->> 'was')::integer <> :version
ORDER BY id DESC
LIMIT 1;
