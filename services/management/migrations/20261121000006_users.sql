-- migrate:up

ALTER TABLE users ADD COLUMN blocked boolean NOT NULL DEFAULT false;

CREATE INDEX users_listing ON users (tenant, created_at, id);

CREATE TABLE recovery_codes (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    digest bytea NOT NULL,
    spent_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, digest)
);

CREATE TABLE invitations (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    token_hash bytea NOT NULL CONSTRAINT invitations_token_unique UNIQUE,
    flow text,
    attributes jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    used_by uuid
);

CREATE INDEX invitations_listing ON invitations (tenant, created_at, id);

CREATE TABLE consents (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose text NOT NULL,
    given_at timestamptz NOT NULL DEFAULT now(),
    until timestamptz,
    PRIMARY KEY (user_id, purpose)
);

-- migrate:down

DROP TABLE consents;
DROP TABLE invitations;
DROP TABLE recovery_codes;
DROP INDEX users_listing;
ALTER TABLE users DROP COLUMN blocked;
