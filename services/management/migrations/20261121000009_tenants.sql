-- migrate:up

-- What a tenant says of itself: `libs.common.wire.tenants.TenantSettings`.
ALTER TABLE tenants ADD COLUMN settings json NOT NULL DEFAULT '{}';

-- migrate:down

ALTER TABLE tenants DROP COLUMN settings;
