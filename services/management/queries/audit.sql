-- name: number_entry()$
-- the id of an entry that is to come
SELECT nextval(pg_get_serial_sequence('audit_log', 'id'));

-- name: add_entry(id, tenant, everywhere, actor, address, request, action, flow, resource, before, after, details)!
-- write down who changed what; `id` may be known already
INSERT INTO audit_log (
    id, tenant, everywhere, actor, address, request_id, action, flow_id, resource, before, after,
    details
)
OVERRIDING SYSTEM VALUE
VALUES (
    coalesce(:id::bigint, nextval(pg_get_serial_sequence('audit_log', 'id'))),
    :tenant, :everywhere, :actor, :address, :request, :action, :flow, :resource, :before, :after,
    :details
);

-- name: list_entries(tenant, everywhere, flow, resource, action, before, most)
-- a page, the newest first, before the entry that was last on the page before; entries about what
-- is of all tenants only if `everywhere`
SELECT id, at, actor, address, request_id AS request, action, flow_id AS flow, resource,
    before, after, details
FROM audit_log
WHERE tenant = :tenant
    AND (:everywhere::boolean OR NOT everywhere)
    AND (:flow::text IS NULL OR flow_id = :flow)
    AND (:resource::text IS NULL OR resource = :resource)
    AND (:action::text IS NULL OR action = :action)
    AND (:before::bigint IS NULL OR id < :before)
ORDER BY id DESC
LIMIT :most;
