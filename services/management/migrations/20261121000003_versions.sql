-- migrate:up

ALTER TABLE tenants ADD COLUMN invariants json NOT NULL DEFAULT '[]';
ALTER TABLE flows ADD COLUMN rollout json;
ALTER TABLE flow_versions ADD COLUMN settings json NOT NULL DEFAULT '{}';

CREATE TABLE golden_tests (
    tenant text NOT NULL,
    flow_id text NOT NULL,
    name text NOT NULL,
    test json NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, flow_id, name),
    FOREIGN KEY (tenant, flow_id) REFERENCES flows (tenant, id) ON DELETE CASCADE
);

CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL REFERENCES tenants (name),
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    flow_id text,
    details json NOT NULL DEFAULT '{}'
);

CREATE INDEX audit_log_listing ON audit_log (tenant, id);
CREATE INDEX audit_log_of_flow ON audit_log (tenant, flow_id, id);

CREATE FUNCTION keep_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries of audit_log are never changed or removed';
END
$$;

CREATE TRIGGER audit_log_kept BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_log();

-- migrate:down

DROP TABLE audit_log;
DROP FUNCTION keep_audit_log();
DROP TABLE golden_tests;
ALTER TABLE flow_versions DROP COLUMN settings;
ALTER TABLE flows DROP COLUMN rollout;
ALTER TABLE tenants DROP COLUMN invariants;
