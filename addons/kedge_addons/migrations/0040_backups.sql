-- Backups, restores and copies of heroku-postgresql, and when backups are made by the clock.
CREATE TABLE kedge_addons.transfers (
    id UUID NOT NULL PRIMARY KEY,
    resource_id UUID NOT NULL,
    owner VARCHAR(64) NOT NULL,
    num INTEGER NOT NULL,
    kind VARCHAR(20) NOT NULL,
    state VARCHAR(20) NOT NULL,
    reason TEXT,
    is_scheduled BOOLEAN NOT NULL,
    source_id UUID,
    from_name VARCHAR(80) NOT NULL,
    to_name VARCHAR(80) NOT NULL,
    store VARCHAR(10),
    size_bytes BIGINT,
    processed_bytes BIGINT NOT NULL,
    source_bytes BIGINT,
    restored_bytes BIGINT NOT NULL,
    sha256 VARCHAR(64),
    tables INTEGER,
    rows BIGINT,
    dump_seconds DOUBLE PRECISION,
    restore_seconds DOUBLE PRECISION,
    attempts INTEGER NOT NULL,
    wants_cancel BOOLEAN NOT NULL,
    owes_alert BOOLEAN NOT NULL,
    log JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    started_at TIMESTAMP WITH TIME ZONE,
    finished_at TIMESTAMP WITH TIME ZONE,
    checked_at TIMESTAMP WITH TIME ZONE,
    UNIQUE (owner, num)
);
CREATE INDEX ix_transfers_resource ON kedge_addons.transfers (resource_id);
CREATE INDEX ix_transfers_open ON kedge_addons.transfers (created_at)
    WHERE state IN ('queued', 'running', 'verifying', 'deleting');
CREATE TABLE kedge_addons.backup_schedules (
    id UUID NOT NULL PRIMARY KEY,
    resource_id UUID NOT NULL,
    owner VARCHAR(64) NOT NULL,
    name VARCHAR(120) NOT NULL,
    hour INTEGER NOT NULL,
    timezone VARCHAR(60) NOT NULL,
    next_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    UNIQUE (resource_id, name)
);
