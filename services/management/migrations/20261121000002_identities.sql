-- migrate:up

CREATE TABLE users (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    email text,
    username text,
    phone text,
    email_verified boolean NOT NULL DEFAULT false,
    attributes jsonb NOT NULL DEFAULT '{}',
    password_hash text,
    logins_count bigint NOT NULL DEFAULT 0,
    last_login_at timestamptz,
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
    sealed bytea NOT NULL,
    confirmed boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE performed_effects (
    id text PRIMARY KEY,
    performed_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX performed_effects_by_age ON performed_effects (performed_at);

-- migrate:down

DROP TABLE performed_effects;
DROP TABLE totp_credentials;
DROP TABLE users;
