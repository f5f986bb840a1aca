-- migrate:up

-- Accounts, read and written by the executor. No foreign key to the tables of flows, so that
-- identities can one day live in a database of their own.
create table users (
    id uuid primary key,
    tenant text not null,
    -- Normal forms, as libs/common/flow/identifier.py makes them: equal means the same person.
    email text,
    username text,
    phone text,
    email_verified boolean not null default false,
    -- What the identifiers, the password and the counters are not.
    attributes jsonb not null default '{}',
    -- argon2id, in PHC form; null where the account has no password.
    password_hash text,
    logins_count bigint not null default 0,
    last_login_at timestamptz,
    -- Names the visit of a node that made the account, so that a repeat makes no second one.
    creation_key uuid not null unique,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint users_email_unique unique (tenant, email),
    constraint users_username_unique unique (tenant, username),
    constraint users_phone_unique unique (tenant, phone),
    constraint users_attributes_are_a_map check (jsonb_typeof(attributes) = 'object')
);

create table totp_credentials (
    user_id uuid primary key references users (id) on delete cascade,
    -- Sealed by the executor; the database never sees the shared secret.
    sealed bytea not null,
    -- The user has shown a right code; before that it is not asked for.
    confirmed boolean not null,
    created_at timestamptz not null default now()
);

-- Effects that are done, by id: JetStream delivers at least once, and a login counts once.
create table performed_effects (
    id text primary key,
    performed_at timestamptz not null default now()
);

create index performed_effects_by_age on performed_effects (performed_at);

-- migrate:down

drop table performed_effects;
drop table totp_credentials;
drop table users;
