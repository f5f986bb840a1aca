-- name: has_sender(tenant)$
-- whether a flow of the tenant runs in place of the SMS gateway
SELECT EXISTS (
    SELECT
    FROM flows AS f
    JOIN flow_versions AS v
        ON v.tenant = f.tenant AND v.flow_id = f.id AND v.number = f.active_version
    WHERE f.tenant = :tenant AND f.type = 'trigger' AND f.status = 'active'
        AND v.settings -> 'trigger' ->> 'id' = 'send-phone-message'
);
