-- name: list_instances(tenant, types, denied_action, usual_denied_action, pk, name, slug, title, search, designations, ordering, descending, start, most)
-- a page of flows with their newest versions, and how many there are on all pages; `designations`
-- says by type what a flow is shown as
SELECT f.id, f.name, f.display_name, f.description, f.type, f.status, f.version, f.active_version,
    f.rollout, f.created_at, f.updated_at, f.activated_at, f.deactivated_at, f.pk, f.title, f.look,
    f.bindings, f.activates_itself,
    v.number, v.graph, v.settings, v.author, v.note, v.created_at AS saved_at, v.compiled_at,
    (
        SELECT count(*) FROM flow_versions AS made
        WHERE made.tenant = f.tenant AND made.flow_id = f.id AND made.plan_hash IS NOT NULL
    ) AS plans,
    count(*) OVER () AS total
FROM flows AS f
JOIN flow_versions AS v ON v.tenant = f.tenant AND v.flow_id = f.id AND v.number = f.version
CROSS JOIN LATERAL (
    SELECT coalesce(f.title, f.display_name) AS title,
        :designations::json ->> f.type AS designation,
        coalesce(v.settings ->> 'denied_action', :usual_denied_action) AS denied_action
) AS shown
CROSS JOIN LATERAL (
    SELECT CASE :ordering::text
        WHEN 'name' THEN f.display_name
        WHEN 'title' THEN shown.title
        WHEN 'designation' THEN shown.designation
        WHEN 'denied_action' THEN shown.denied_action
        WHEN 'flow_uuid' THEN f.pk::text
        ELSE f.name
    END AS text
) AS key
WHERE f.tenant = :tenant
    AND (:types::text[] IS NULL OR f.type = ANY (:types))
    AND (:denied_action::text IS NULL OR shown.denied_action = :denied_action)
    AND (:pk::uuid IS NULL OR f.pk = :pk)
    AND (:name::text IS NULL OR f.display_name = :name)
    AND (:slug::text IS NULL OR f.name = :slug)
    AND (:title::text IS NULL OR shown.title = :title)
    AND (
        :search::text IS NULL
        OR EXISTS (
            SELECT FROM unnest(ARRAY[f.name, f.display_name, shown.title, shown.designation]) AS said
            WHERE strpos(lower(said), lower(:search)) > 0
        )
    )
ORDER BY CASE WHEN NOT :descending::boolean THEN key.text END,
    CASE WHEN :descending THEN key.text END DESC,
    f.name
OFFSET :start
LIMIT :most;

-- name: list_nodes(tenant)
-- the flows with the ids of their newest nodes, and what clients of bindings were told of them
SELECT f.id, f.pk, f.bindings, ARRAY(
    SELECT node ->> 'id' FROM json_array_elements(v.graph -> 'nodes') AS node
) AS nodes
FROM flows AS f
JOIN flow_versions AS v ON v.tenant = f.tenant AND v.flow_id = f.id AND v.number = f.version
WHERE f.tenant = :tenant
ORDER BY f.created_at, f.id;

-- name: find_id_of_pk(tenant, pk)$
SELECT id FROM flows WHERE tenant = :tenant AND pk = :pk;

-- name: count_plans(tenant, flow)$
-- how many versions of a flow, or of all, have a plan
SELECT count(*) FROM flow_versions
WHERE tenant = :tenant AND (:flow::text IS NULL OR flow_id = :flow) AND plan_hash IS NOT NULL;
