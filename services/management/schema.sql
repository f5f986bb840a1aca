-- The database as it is when all migrations are applied, and what each part of it is for.
-- Nothing reads this file but people, and the test that compares it with the migrations.

CREATE TABLE tenants (
    name text PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- What is to hold of every path to a success: `libs.common.flow.model.Invariant`, in order.
    invariants json NOT NULL DEFAULT '[]',
    -- What people read; the name where there is none.
    display_name text,
    -- Which limits its callers have.
    tier text NOT NULL DEFAULT 'default' CHECK (tier IN ('default', 'enterprise')),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- What it says of itself: `libs.common.wire.tenants.TenantSettings`.
    settings json NOT NULL DEFAULT '{}'
);

-- Every id that was ever given, also those of flows that are gone: none is given again.
CREATE TABLE flow_ids (
    tenant text NOT NULL REFERENCES tenants (name),
    id text NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- Ids are unique in a tenant, not beyond: a suffix must not tell what other tenants have.
CREATE TABLE flows (
    tenant text NOT NULL,
    id text NOT NULL,
    name text NOT NULL,
    display_name text NOT NULL,
    description text,
    type text NOT NULL,
    status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'active', 'inactive')),
    -- The newest there is.
    version integer NOT NULL CHECK (version > 0),
    -- The one that runs.
    active_version integer,
    -- Among the active flows of the tenant and type: the lowest is the first candidate.
    position bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    activated_at timestamptz,
    deactivated_at timestamptz,
    -- How new sessions are shared among versions: `services/management/rollouts.py` says what it
    -- holds. Null where the active version has them all. One whose baseline is not the active
    -- version says nothing: the release before knows no rollouts, and leaves one where it was.
    rollout json,
    -- What seed 003 knows it by.
    pk uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT flows_pk_key UNIQUE,
    -- Of seed 003, where it was said: the display name stands for it else.
    title text,
    -- How pages show it, in the words of seed 003; not versioned, as it changes nothing of a run.
    look json NOT NULL DEFAULT '{}',
    -- What clients of seed 003 were told of its nodes, by id: `{"pk", "stage", "order"}`.
    bindings json NOT NULL DEFAULT '{}',
    -- Built binding by binding: the first version that is valid is activated by being saved.
    activates_itself boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, id) REFERENCES flow_ids (tenant, id),
    CONSTRAINT flows_name_key UNIQUE (tenant, name),
    CONSTRAINT flows_active_check CHECK (
        num_nonnulls(active_version, position) = CASE status WHEN 'active' THEN 2 ELSE 0 END
    )
);

CREATE INDEX flows_listing ON flows (tenant, created_at, id);
CREATE UNIQUE INDEX flows_candidates ON flows (tenant, type, position) WHERE status = 'active';

-- Immutable but for what the compiler made of it.
CREATE TABLE flow_versions (
    tenant text NOT NULL,
    flow_id text NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    -- json, not jsonb: it keeps the author's order.
    graph json NOT NULL,
    -- Who saved it: the subject of their token.
    author text,
    note text,
    created_at timestamptz NOT NULL DEFAULT now(),
    plan_hash text,
    compiled_at timestamptz,
    -- What it says beside its graph: `libs.common.flow.model.Settings`.
    settings json NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant, flow_id, number),
    FOREIGN KEY (tenant, flow_id) REFERENCES flows (tenant, id) ON DELETE CASCADE,
    CONSTRAINT flow_versions_compiled_check CHECK ((plan_hash IS NULL) = (compiled_at IS NULL))
);

-- Deferred: a flow and its first version are written together, and each names the other.
ALTER TABLE flows
    ADD CONSTRAINT flows_version_fkey FOREIGN KEY (tenant, id, version)
        REFERENCES flow_versions (tenant, flow_id, number) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT flows_active_version_fkey FOREIGN KEY (tenant, id, active_version)
        REFERENCES flow_versions (tenant, flow_id, number) DEFERRABLE INITIALLY DEFERRED;

-- What a version of the flow has to do before it may be activated.
CREATE TABLE golden_tests (
    tenant text NOT NULL,
    flow_id text NOT NULL,
    name text NOT NULL,
    test json NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, flow_id, name),
    FOREIGN KEY (tenant, flow_id) REFERENCES flows (tenant, id) ON DELETE CASCADE
);

-- What is active for a tenant and type changed so many times. Its row is locked by whoever changes
-- it, so that an older state can never be taken for a newer one.
CREATE TABLE active_pointers (
    tenant text NOT NULL REFERENCES tenants (name),
    type text NOT NULL,
    generation bigint NOT NULL CHECK (generation > 0),
    PRIMARY KEY (tenant, type)
);

-- Who changed what, for good.
CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL REFERENCES tenants (name),
    at timestamptz NOT NULL DEFAULT now(),
    -- The subject of their token, or a part of Gatehouse that acts by itself.
    actor text NOT NULL,
    action text NOT NULL,
    -- No foreign key: an entry stays when its flow is deleted.
    flow_id text,
    details json NOT NULL DEFAULT '{}',
    -- What else it is about, as in `clients/abc`.
    resource text,
    -- Whether that is of all tenants, and so nothing for who is confined to one.
    everywhere boolean NOT NULL DEFAULT false,
    -- As it was, and as it is; never a secret.
    before json,
    after json,
    -- Where the call came from.
    address text,
    request_id text
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

-- Events that are committed and not yet told.
CREATE TABLE outbox (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    subject text NOT NULL,
    payload bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION announce_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('gatehouse_outbox', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER outbox_announced AFTER INSERT ON outbox
    FOR EACH STATEMENT EXECUTE FUNCTION announce_outbox();

-- Programs that call the APIs with a token of ours; a tenant of NULL is the operator's.
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

-- One-time tokens that were used: each works once, ever.
CREATE TABLE bootstraps (
    token_hash bytea PRIMARY KEY,
    used_at timestamptz NOT NULL DEFAULT now()
);

-- Where people sign in elsewhere; `sealed` holds what only executors read.
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

-- What flows call over HTTP; `sealed` holds what signs the calls, which only executors read.
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

-- Writes that callers gave a name, and what was answered, for the same write sent again.
CREATE TABLE idempotency_keys (
    tenant text NOT NULL,
    actor text NOT NULL,
    key text NOT NULL,
    digest bytea NOT NULL,
    -- Whose turn it is to do it, and until when nobody else's.
    run uuid NOT NULL,
    runs_until timestamptz NOT NULL,
    -- Whether it is done; what was answered follows, unless there is a secret in it.
    done boolean NOT NULL DEFAULT false,
    status integer,
    headers json,
    body bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, actor, key)
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

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
    -- To whoever signs in it is as if there were no such account; its identifiers stay taken.
    blocked boolean NOT NULL DEFAULT false,
    CONSTRAINT users_email_unique UNIQUE (tenant, email),
    CONSTRAINT users_username_unique UNIQUE (tenant, username),
    CONSTRAINT users_phone_unique UNIQUE (tenant, phone),
    CONSTRAINT users_attributes_check CHECK (jsonb_typeof(attributes) = 'object')
);

CREATE INDEX users_listing ON users (tenant, created_at, id);

CREATE TABLE totp_credentials (
    user_id uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    -- Sealed by the executor; the database never sees the shared secret.
    sealed bytea NOT NULL,
    -- The user has shown a right code; before that it is not asked for.
    confirmed boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Passkeys (Web Authentication): what is public of each, since the rest never leaves its owner.
CREATE TABLE passkeys (
    tenant text NOT NULL,
    -- Chosen by the authenticator.
    credential_id bytea NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The relying party's id that it was made for; it is good for no other.
    site text NOT NULL,
    -- A COSE_Key (RFC 9052).
    public_key bytea NOT NULL,
    -- 0 where the authenticator does not count.
    sign_count bigint NOT NULL,
    -- It never leaves its authenticator.
    bound boolean NOT NULL,
    transports text[] NOT NULL,
    -- The submit that it was used in last, so that a repeat of that is no copy of the passkey.
    used_by text,
    used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- The session that it was made in, so that its own passkey keeps nobody from ending a set-up.
    made_in text,
    PRIMARY KEY (tenant, credential_id)
);

CREATE INDEX passkeys_of_user ON passkeys (user_id);

-- Who accounts are to the providers that they sign in with (OpenID Connect Core 1.0, 2).
CREATE TABLE external_identities (
    tenant text NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, issuer, subject)
);

CREATE INDEX external_identities_of_user ON external_identities (user_id);

-- Each good once, for who has lost their authenticator.
CREATE TABLE recovery_codes (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- Under a key of the deployment; the database never sees a code.
    digest bytea NOT NULL,
    -- The submit that it was good in; null while it is good.
    spent_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, digest)
);

-- Who has the token of one may register, once.
CREATE TABLE invitations (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    -- SHA-256 of 256 random bits.
    token_hash bytea NOT NULL CONSTRAINT invitations_token_unique UNIQUE,
    -- The slug of the flow that it is meant for; it need not be there any more.
    flow text,
    -- What is staged of the user, identifiers in their normal form.
    attributes jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    -- The creation key of the account that it was used for.
    used_by uuid
);

CREATE INDEX invitations_listing ON invitations (tenant, created_at, id);

-- What somebody agreed to.
CREATE TABLE consents (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- Names it, with a digest of the words that they agreed to.
    purpose text NOT NULL,
    given_at timestamptz NOT NULL DEFAULT now(),
    -- Null where it holds for good.
    until timestamptz,
    PRIMARY KEY (user_id, purpose)
);

-- Who is signed in: what an assertion is about, for as long as that stands. No foreign key to users,
-- since a tenant's accounts may be kept elsewhere.
CREATE TABLE sign_ins (
    tenant text NOT NULL,
    -- Of assertions. Made of the session's id, which it does not tell.
    sid text NOT NULL,
    account text NOT NULL,
    -- When the first of it was proved.
    auth_time timestamptz NOT NULL,
    amr text[] NOT NULL,
    acr text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Latest; the row is then of no use.
    ends_at timestamptz NOT NULL,
    -- When it was ended before. It stays until then, so that a turn that is run again begins
    -- nothing that somebody has ended.
    ended_at timestamptz,
    -- Until then it stands though no server asks about it; null where it need not be asked about.
    idle_until timestamptz,
    PRIMARY KEY (tenant, sid)
);

CREATE INDEX sign_ins_of_account ON sign_ins (tenant, account, created_at);
CREATE INDEX sign_ins_by_end ON sign_ins (ends_at);

-- Effects that are done, by id: JetStream delivers at least once, and a login counts once.
CREATE TABLE performed_effects (
    id text PRIMARY KEY,
    performed_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX performed_effects_by_age ON performed_effects (performed_at);
