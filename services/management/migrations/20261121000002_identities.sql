-- migrate:up

-- Accounts, read and written by the executor. No foreign key to the tables of flows, so that
-- identities can one day live in a database of their own.
CREATE TABLE users (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    -- Normal forms, as libs/common/flow/identifier.py makes them: equal means the same person.
    email text,
    username text,
    phone text,
    email_verified boolean NOT NULL DEFAULT false,
    -- What the identifiers, the password and the counters are not.
    attributes jsonb NOT NULL DEFAULT '{}',
    -- argon2id, in PHC form; null where the account has no password.
    password_hash text,
    logins_count bigint NOT NULL DEFAULT 0,
    last_login_at timestamptz,
    -- Names the visit of a node that made the account, so that a repeat makes no second one.
    creation_key uuid NOT NULL CONSTRAINT users_creation_key_unique UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_email_unique UNIQUE (tenant, email),
    CONSTRAINT users_username_unique UNIQUE (tenant, username),
    CONSTRAINT users_phone_unique UNIQUE (tenant, phone),
    CONSTRAINT users_attributes_check CHECK (jsonb_typeof(attributes) = 'object')
);

CREATE TABLE totp_credentials (
    user_id uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    -- Sealed by the executor; the database never sees the shared secret.
    sealed bytea NOT NULL,
    -- The user has shown a right code; before that it is not asked for.
    confirmed boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Effects that are done, by id: JetStream delivers at least once, and a login counts once.
CREATE TABLE performed_effects (
    id text PRIMARY KEY,
    performed_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX performed_effects_by_age ON performed_effects (performed_at);

-- migrate:down

DROP TABLE performed_effects;
DROP TABLE totp_credentials;
DROP TABLE users;
