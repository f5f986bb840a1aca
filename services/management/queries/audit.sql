-- name: add_entry(tenant, actor, address, request, action, flow, details)$
-- write down who changed what, and return the entry's id
INSERT INTO audit_log (tenant, actor, address, request_id, action, flow_id, details)
VALUES (:tenant, :actor, :address, :request, :action, :flow, :details)
RETURNING id;

-- name: list_entries(tenant, flow, action, before, most)
-- a page, the newest first, before the entry that was last on the page before
SELECT id, at, actor, action, flow_id AS flow, details
FROM audit_log
WHERE tenant = :tenant
    AND (:flow::text IS NULL OR flow_id = :flow)
    AND (:action::text IS NULL OR action = :action)
    AND (:before::bigint IS NULL OR id < :before)
ORDER BY id DESC
LIMIT :most;
