-- name: count_flows(tenant, type, status)$
SELECT count(*) FROM flows
WHERE tenant = :tenant
    AND (:type::text IS NULL OR type = :type)
    AND (:status::text IS NULL OR status = :status);

-- name: list_flows(tenant, type, status, after_time, after_id, most)
-- a page by age, after the flow that was last on the page before
SELECT id, name, display_name, description, type, status, version, active_version, rollout,
    created_at, updated_at, activated_at, deactivated_at, pk, title, look, bindings,
    activates_itself
FROM flows
WHERE tenant = :tenant
    AND (:type::text IS NULL OR type = :type)
    AND (:status::text IS NULL OR status = :status)
    AND (:after_time::timestamptz IS NULL OR (created_at, id) > (:after_time, :after_id))
ORDER BY created_at, id
LIMIT :most;

-- name: list_flows_from(tenant, start, most)
-- a page by number, by age, with the trigger of the newest version
SELECT f.id, f.name, f.display_name, f.description, f.type, f.status, f.version, f.active_version,
    f.rollout, f.created_at, f.updated_at, f.activated_at, f.deactivated_at, f.pk, f.title, f.look,
    f.bindings, f.activates_itself,
    v.settings -> 'trigger' AS trigger
FROM flows AS f
JOIN flow_versions AS v ON v.tenant = f.tenant AND v.flow_id = f.id AND v.number = f.version
WHERE f.tenant = :tenant
ORDER BY f.created_at, f.id
OFFSET :start
LIMIT :most;

-- name: find_flow(tenant, flow, number)^
-- a flow with one of its versions, or with the newest
SELECT f.id, f.name, f.display_name, f.description, f.type, f.status, f.version, f.active_version,
    f.rollout, f.created_at, f.updated_at, f.activated_at, f.deactivated_at, f.pk, f.title, f.look,
    f.bindings, f.activates_itself,
    v.number, v.graph, v.settings, v.author, v.note, v.created_at AS saved_at, v.compiled_at
FROM flows AS f
JOIN flow_versions AS v ON v.tenant = f.tenant AND v.flow_id = f.id
    AND v.number = coalesce(:number::bigint, f.version)
WHERE f.tenant = :tenant AND f.id = :flow;

-- name: find_record(tenant, flow)^
-- a flow without its definition
SELECT id, name, display_name, description, type, status, version, active_version, rollout,
    created_at, updated_at, activated_at, deactivated_at, pk, title, look, bindings,
    activates_itself
FROM flows
WHERE tenant = :tenant AND id = :flow;

-- name: find_id(tenant, name)$
-- the id of the flow with a slug
SELECT id FROM flows WHERE tenant = :tenant AND name = :name;

-- name: hold_flow(tenant, flow)$
-- lock a flow, so that its changes come one after the other
SELECT true FROM flows WHERE tenant = :tenant AND id = :flow FOR UPDATE;

-- name: claim_id(tenant, flow)$
-- give an id that was never given; nothing where it was
INSERT INTO flow_ids (tenant, id) VALUES (:tenant, :flow) ON CONFLICT DO NOTHING RETURNING id;

-- name: add_flow(tenant, flow, name, display_name, description, type, title, look, activates_itself)!
-- a flow, whose first version is added in the same transaction
INSERT INTO flows (
    tenant, id, name, display_name, description, type, version, title, look, activates_itself
)
VALUES (
    :tenant, :flow, :name, :display_name, :description, :type, 1, :title, :look, :activates_itself
);

-- name: edit_flow(tenant, flow, name, display_name, description, title, look, bindings)!
UPDATE flows
SET name = :name, display_name = :display_name, description = :description, title = :title,
    look = :look, bindings = :bindings, updated_at = now()
WHERE tenant = :tenant AND id = :flow;

-- name: delete_flow(tenant, flow)!
-- a flow and its versions, but not its id
DELETE FROM flows WHERE tenant = :tenant AND id = :flow;
