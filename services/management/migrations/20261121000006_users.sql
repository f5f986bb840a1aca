-- migrate:up

ALTER TABLE users ADD COLUMN blocked boolean NOT NULL DEFAULT false;

CREATE INDEX users_listing ON users (tenant, created_at, id);

-- migrate:down

DROP INDEX users_listing;
ALTER TABLE users DROP COLUMN blocked;
