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

CREATE TABLE external_identities (
    tenant text NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, issuer, subject)
);

CREATE INDEX external_identities_of_user ON external_identities (user_id);

-- migrate:down

DROP TABLE external_identities;
DROP TABLE passkeys;
