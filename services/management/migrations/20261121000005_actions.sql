-- migrate:up

CREATE TABLE actions (
    tenant text NOT NULL REFERENCES tenants (name),
    id text NOT NULL,
    display_name text NOT NULL,
    config json NOT NULL,
    sealed bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);

-- migrate:down

DROP TABLE actions;
