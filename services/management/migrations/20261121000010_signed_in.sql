-- migrate:up

CREATE TABLE sign_ins (
    tenant text NOT NULL,
    sid text NOT NULL,
    account text NOT NULL,
    auth_time timestamptz NOT NULL,
    amr text[] NOT NULL,
    acr text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (tenant, sid)
);

CREATE INDEX sign_ins_of_account ON sign_ins (tenant, account, created_at);
CREATE INDEX sign_ins_by_end ON sign_ins (ends_at);

-- migrate:down

DROP TABLE sign_ins;
