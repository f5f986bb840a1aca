-- migrate:up

ALTER TABLE tenants
    ADD COLUMN display_name text,
    ADD COLUMN tier text NOT NULL DEFAULT 'default' CHECK (tier IN ('default', 'enterprise')),
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();

ALTER TABLE flows
    ADD COLUMN pk uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT flows_pk_key UNIQUE,
    ADD COLUMN title text,
    ADD COLUMN look json NOT NULL DEFAULT '{}',
    ADD COLUMN bindings json NOT NULL DEFAULT '{}',
    ADD COLUMN activates_itself boolean NOT NULL DEFAULT false;

ALTER TABLE audit_log
    ADD COLUMN resource text,
    ADD COLUMN everywhere boolean NOT NULL DEFAULT false,
    ADD COLUMN before json,
    ADD COLUMN after json,
    ADD COLUMN address text,
    ADD COLUMN request_id text;

CREATE TABLE api_clients (
    client_id text PRIMARY KEY,
    tenant text REFERENCES tenants (name),
    name text NOT NULL,
    secret_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    rotated_at timestamptz
);

CREATE INDEX api_clients_listing ON api_clients (tenant, created_at, client_id);

CREATE TABLE bootstraps (
    token_hash bytea PRIMARY KEY,
    used_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE providers (
    tenant text NOT NULL REFERENCES tenants (name),
    id text NOT NULL,
    display_name text NOT NULL,
    kind text NOT NULL,
    config json NOT NULL,
    sealed bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);

CREATE TABLE idempotency_keys (
    tenant text NOT NULL,
    actor text NOT NULL,
    key text NOT NULL,
    digest bytea NOT NULL,
    run uuid NOT NULL,
    runs_until timestamptz NOT NULL,
    done boolean NOT NULL DEFAULT false,
    status integer,
    headers json,
    body bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, actor, key)
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- migrate:down

DROP TABLE idempotency_keys;
DROP TABLE providers;
DROP TABLE bootstraps;
DROP TABLE api_clients;
ALTER TABLE audit_log
    DROP COLUMN resource,
    DROP COLUMN everywhere,
    DROP COLUMN before,
    DROP COLUMN after,
    DROP COLUMN address,
    DROP COLUMN request_id;
ALTER TABLE flows
    DROP COLUMN pk,
    DROP COLUMN title,
    DROP COLUMN look,
    DROP COLUMN bindings,
    DROP COLUMN activates_itself;
ALTER TABLE tenants
    DROP COLUMN display_name,
    DROP COLUMN tier,
    DROP COLUMN updated_at;
