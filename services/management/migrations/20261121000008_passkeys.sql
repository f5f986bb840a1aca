-- migrate:up

CREATE TABLE passkeys (
    tenant text NOT NULL,
    credential_id bytea NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    site text NOT NULL,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    bound boolean NOT NULL,
    transports text[] NOT NULL,
    used_by text,
    used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, credential_id)
);

CREATE INDEX passkeys_of_user ON passkeys (user_id);

-- migrate:down

DROP TABLE passkeys;
