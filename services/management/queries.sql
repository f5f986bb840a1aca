-- name: answer()$
SELECT true;

-- name: find_tenant(tenant)$
-- whether there is such a tenant
SELECT true FROM tenants WHERE name = :tenant;

-- name: add_tenants(tenants)!
-- those that are not there yet
INSERT INTO tenants (name) SELECT unnest(:tenants::text[]) ON CONFLICT DO NOTHING;

-- name: count_flows(tenant, type, status)$
SELECT count(*) FROM flows
WHERE tenant = :tenant
    AND (:type::text IS NULL OR type = :type)
    AND (:status::text IS NULL OR status = :status);

-- name: list_flows(tenant, type, status, after_time, after_id, most)
-- a page by age, after the flow that was last on the page before
SELECT id, name, display_name, description, type, status, version, active_version,
    created_at, updated_at, activated_at, deactivated_at
FROM flows
WHERE tenant = :tenant
    AND (:type::text IS NULL OR type = :type)
    AND (:status::text IS NULL OR status = :status)
    AND (:after_time::timestamptz IS NULL OR (created_at, id) > (:after_time, :after_id))
ORDER BY created_at, id
LIMIT :most;

-- name: find_flow(tenant, flow)^
-- a flow with its newest version
SELECT f.id, f.name, f.display_name, f.description, f.type, f.status, f.version, f.active_version,
    f.created_at, f.updated_at, f.activated_at, f.deactivated_at,
    v.number, v.graph, v.compiled_at
FROM flows AS f
JOIN flow_versions AS v ON v.tenant = f.tenant AND v.flow_id = f.id AND v.number = f.version
WHERE f.tenant = :tenant AND f.id = :flow;

-- name: hold_flow(tenant, flow)$
-- lock a flow, so that its changes come one after the other
SELECT true FROM flows WHERE tenant = :tenant AND id = :flow FOR UPDATE;

-- name: claim_id(tenant, flow)$
-- give an id that was never given; nothing where it was
INSERT INTO flow_ids (tenant, id) VALUES (:tenant, :flow) ON CONFLICT DO NOTHING RETURNING id;

-- name: add_flow(tenant, flow, name, display_name, description, type, graph, author)!
-- a flow, and its first version
WITH added AS (
    INSERT INTO flows (tenant, id, name, display_name, description, type, version)
    VALUES (:tenant, :flow, :name, :display_name, :description, :type, 1)
)
INSERT INTO flow_versions (tenant, flow_id, number, graph, author)
VALUES (:tenant, :flow, 1, :graph, :author);

-- name: add_version(tenant, flow, graph, author)!
-- the next version of a flow that is held
WITH next AS (
    UPDATE flows SET version = version + 1
    WHERE tenant = :tenant AND id = :flow
    RETURNING version
)
INSERT INTO flow_versions (tenant, flow_id, number, graph, author)
SELECT :tenant, :flow, version, :graph, :author FROM next;

-- name: edit_flow(tenant, flow, name, display_name, description)!
UPDATE flows
SET name = :name, display_name = :display_name, description = :description, updated_at = now()
WHERE tenant = :tenant AND id = :flow;

-- name: bump_pointer(tenant, type)!
-- say that what is active changes, and let nobody else change it before this is committed
INSERT INTO active_pointers (tenant, type, generation) VALUES (:tenant, :type, 1)
ON CONFLICT (tenant, type) DO UPDATE SET generation = active_pointers.generation + 1;

-- name: activate_flow(tenant, flow)$
-- make the newest version the one that runs: first of its type, or where it stands already.
-- The pointer is held, so nobody takes the same position.
UPDATE flows AS f
SET status = 'active', active_version = version, activated_at = now(),
    position = coalesce(position, (
        SELECT coalesce(min(other.position), 0) - 1
        FROM flows AS other
        WHERE other.tenant = f.tenant AND other.type = f.type AND other.status = 'active'
    ))
WHERE tenant = :tenant AND id = :flow
RETURNING activated_at;

-- name: deactivate_flow(tenant, flow)$
UPDATE flows
SET status = 'inactive', active_version = NULL, position = NULL, deactivated_at = now()
WHERE tenant = :tenant AND id = :flow
RETURNING deactivated_at;

-- name: delete_flow(tenant, flow)!
-- a flow and its versions, but not its id
DELETE FROM flows WHERE tenant = :tenant AND id = :flow;

-- name: record_plan(tenant, flow, version, plan, compiled_at)!
-- what the compiler made of a version; an older report never hides a newer one
UPDATE flow_versions SET plan_hash = :plan, compiled_at = :compiled_at
WHERE tenant = :tenant AND flow_id = :flow AND number = :version
    AND (compiled_at IS NULL OR compiled_at <= :compiled_at);

-- name: stamp_event()^
-- the id and the time of the next event
SELECT nextval(pg_get_serial_sequence('outbox', 'id')) AS id,
    extract(epoch FROM now())::float8 AS at;

-- name: add_event(id, subject, payload)!
INSERT INTO outbox (id, subject, payload) VALUES (:id, :subject, :payload);

-- name: take_relay_turn(turn)$
-- true if nobody else relays; then nobody does until the end of the transaction
SELECT pg_try_advisory_xact_lock(:turn);

-- name: read_outbox(most)
-- the oldest events, in the order they are to be told
SELECT id, subject, payload FROM outbox ORDER BY id LIMIT :most;

-- name: delete_event(id)!
-- an event that is told
DELETE FROM outbox WHERE id = :id;

-- name: measure_outbox()^
-- how many events wait, and for how many seconds the oldest does
SELECT count(*) AS depth, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS age
FROM outbox;
