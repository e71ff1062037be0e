-- The first form of the database. Never changed after a release: later forms are later steps.

CREATE TABLE accounts (
    id UUID NOT NULL,
    email VARCHAR(254) NOT NULL,
    name VARCHAR(200),
    is_owner BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_accounts PRIMARY KEY (id),
    CONSTRAINT uq_accounts_email UNIQUE (email)
);

CREATE TABLE events (
    id BIGSERIAL NOT NULL,
    app_id UUID,
    actor VARCHAR(254) NOT NULL,
    action VARCHAR(60) NOT NULL,
    details JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (id)
);

CREATE INDEX ix_events_app_id_id ON events (app_id, id);

CREATE TABLE platform_keys (
    name VARCHAR(60) NOT NULL,
    sealed BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_platform_keys PRIMARY KEY (name)
);

CREATE TABLE apps (
    id UUID NOT NULL,
    name VARCHAR(30) NOT NULL,
    owner_id UUID NOT NULL,
    stack VARCHAR(60) NOT NULL,
    maintenance BOOLEAN NOT NULL,
    buildpacks JSONB NOT NULL,
    buildpack_description VARCHAR(200),
    last_version BIGINT NOT NULL,
    head_version BIGINT,
    route_version BIGINT NOT NULL,
    repo_bytes BIGINT,
    slug_bytes BIGINT,
    released_at TIMESTAMP WITH TIME ZONE,
    deleting_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_apps PRIMARY KEY (id),
    CONSTRAINT uq_apps_name UNIQUE (name),
    CONSTRAINT fk_apps_owner_id FOREIGN KEY(owner_id) REFERENCES accounts (id)
);

CREATE INDEX ix_apps_owner_id ON apps (owner_id);

CREATE TABLE authorizations (
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    description VARCHAR(200) NOT NULL,
    token_id UUID NOT NULL,
    token_sha256 VARCHAR(64) NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_authorizations PRIMARY KEY (id),
    CONSTRAINT fk_authorizations_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT uq_authorizations_token_sha256 UNIQUE (token_sha256)
);

CREATE INDEX ix_authorizations_account_id ON authorizations (account_id);

CREATE TABLE config_snapshots (
    id UUID NOT NULL,
    app_id UUID NOT NULL,
    digest VARCHAR(64) NOT NULL,
    sealed BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_config_snapshots PRIMARY KEY (id),
    CONSTRAINT uq_config_snapshots_app_id_digest UNIQUE (app_id, digest),
    CONSTRAINT fk_config_snapshots_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE
);

CREATE INDEX ix_config_snapshots_app_id ON config_snapshots (app_id);

CREATE TABLE domains (
    id UUID NOT NULL,
    app_id UUID NOT NULL,
    hostname VARCHAR(253) NOT NULL,
    kind VARCHAR(10) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_domains PRIMARY KEY (id),
    CONSTRAINT fk_domains_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE,
    CONSTRAINT uq_domains_hostname UNIQUE (hostname)
);

CREATE INDEX ix_domains_app_id ON domains (app_id);

CREATE TABLE formations (
    id UUID NOT NULL,
    app_id UUID NOT NULL,
    type VARCHAR(64) NOT NULL,
    quantity BIGINT NOT NULL,
    size VARCHAR(30) NOT NULL,
    restarts BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_formations PRIMARY KEY (id),
    CONSTRAINT uq_formations_app_id_type UNIQUE (app_id, type),
    CONSTRAINT fk_formations_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE
);

CREATE INDEX ix_formations_app_id ON formations (app_id);

CREATE TABLE log_sessions (
    id UUID NOT NULL,
    app_id UUID NOT NULL,
    secret_sha256 VARCHAR(64) NOT NULL,
    filters JSONB NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_log_sessions PRIMARY KEY (id),
    CONSTRAINT fk_log_sessions_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE,
    CONSTRAINT uq_log_sessions_secret_sha256 UNIQUE (secret_sha256)
);

CREATE INDEX ix_log_sessions_app_id ON log_sessions (app_id);

CREATE TABLE output_chunks (
    output_id UUID NOT NULL,
    number BIGINT NOT NULL,
    app_id UUID NOT NULL,
    payload BYTEA NOT NULL,
    CONSTRAINT pk_output_chunks PRIMARY KEY (output_id, number),
    CONSTRAINT fk_output_chunks_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE
);

CREATE INDEX ix_output_chunks_app_id ON output_chunks (app_id);

CREATE TABLE outputs (
    id UUID NOT NULL,
    app_id UUID NOT NULL,
    kept_bytes BIGINT NOT NULL,
    dropped_bytes BIGINT NOT NULL,
    next_chunk BIGINT NOT NULL,
    is_complete BOOLEAN NOT NULL,
    expired_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_outputs PRIMARY KEY (id),
    CONSTRAINT fk_outputs_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE
);

CREATE INDEX ix_outputs_app_id ON outputs (app_id);

CREATE TABLE slugs (
    id UUID NOT NULL,
    app_id UUID NOT NULL,
    digest VARCHAR(64) NOT NULL,
    layers JSONB NOT NULL,
    process_types JSONB NOT NULL,
    commit TEXT,
    commit_description TEXT,
    description VARCHAR(200),
    buildpacks JSONB NOT NULL,
    stack VARCHAR(60) NOT NULL,
    stored_bytes BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_slugs PRIMARY KEY (id),
    CONSTRAINT fk_slugs_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE
);

CREATE INDEX ix_slugs_app_id ON slugs (app_id);

CREATE INDEX ix_slugs_digest ON slugs (digest);

CREATE TABLE sources (
    id UUID NOT NULL,
    app_id UUID,
    uploaded_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_sources PRIMARY KEY (id),
    CONSTRAINT fk_sources_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE
);

CREATE INDEX ix_sources_app_id ON sources (app_id);

CREATE TABLE builds (
    id UUID NOT NULL,
    app_id UUID NOT NULL,
    user_id UUID NOT NULL,
    status VARCHAR(10) NOT NULL,
    failure TEXT,
    source_id UUID,
    source_url TEXT,
    source_version TEXT,
    source_version_description TEXT,
    source_checksum VARCHAR(80),
    commit_time BIGINT NOT NULL,
    ref TEXT,
    ref_before VARCHAR(64),
    stack VARCHAR(60) NOT NULL,
    buildpacks JSONB NOT NULL,
    slug_id UUID,
    release_version BIGINT,
    output_id UUID NOT NULL,
    enqueued_at TIMESTAMP WITH TIME ZONE,
    lease_until TIMESTAMP WITH TIME ZONE,
    attended_until TIMESTAMP WITH TIME ZONE,
    cancel_requested_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_builds PRIMARY KEY (id),
    CONSTRAINT fk_builds_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE,
    CONSTRAINT fk_builds_user_id FOREIGN KEY(user_id) REFERENCES accounts (id),
    CONSTRAINT fk_builds_source_id FOREIGN KEY(source_id) REFERENCES sources (id),
    CONSTRAINT fk_builds_slug_id FOREIGN KEY(slug_id) REFERENCES slugs (id)
);

CREATE INDEX ix_builds_app_id ON builds (app_id);

CREATE INDEX ix_builds_pending ON builds (app_id) WHERE status = 'pending';

CREATE INDEX ix_builds_unsettled ON builds (app_id) WHERE ref IS NOT NULL;

CREATE INDEX ix_builds_slug_id ON builds (slug_id);

CREATE INDEX ix_builds_source_id ON builds (source_id);

CREATE TABLE releases (
    id UUID NOT NULL,
    app_id UUID NOT NULL,
    version BIGINT NOT NULL,
    status VARCHAR(10) NOT NULL,
    stage VARCHAR(20) NOT NULL,
    failure JSONB,
    change VARCHAR(20) NOT NULL,
    description TEXT NOT NULL,
    user_id UUID NOT NULL,
    slug_id UUID,
    config_id UUID NOT NULL,
    process_types JSONB NOT NULL,
    formation JSONB NOT NULL,
    stack VARCHAR(60) NOT NULL,
    addons JSONB NOT NULL,
    output_id UUID,
    digest VARCHAR(64) NOT NULL,
    previous_digest VARCHAR(64) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_releases PRIMARY KEY (id),
    CONSTRAINT uq_releases_app_id_version UNIQUE (app_id, version),
    CONSTRAINT fk_releases_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE,
    CONSTRAINT fk_releases_user_id FOREIGN KEY(user_id) REFERENCES accounts (id),
    CONSTRAINT fk_releases_slug_id FOREIGN KEY(slug_id) REFERENCES slugs (id),
    CONSTRAINT fk_releases_config_id FOREIGN KEY(config_id) REFERENCES config_snapshots (id)
);

CREATE INDEX ix_releases_app_id ON releases (app_id);

CREATE INDEX ix_releases_config_id ON releases (config_id);

CREATE INDEX ix_releases_slug_id ON releases (slug_id);

CREATE INDEX ix_releases_unfinished ON releases (app_id) WHERE status = 'pending';

CREATE TABLE dynos (
    id UUID NOT NULL,
    app_id UUID NOT NULL,
    release_id UUID NOT NULL,
    kind VARCHAR(10) NOT NULL,
    type VARCHAR(64) NOT NULL,
    ordinal BIGINT NOT NULL,
    size VARCHAR(30) NOT NULL,
    command TEXT NOT NULL,
    state VARCHAR(10) NOT NULL,
    restarts BIGINT NOT NULL,
    restart_requested_at TIMESTAMP WITH TIME ZONE,
    stop_requested_at TIMESTAMP WITH TIME ZONE,
    runtime_id VARCHAR(64),
    routed BOOLEAN NOT NULL,
    host VARCHAR(64),
    port BIGINT,
    crash_count BIGINT NOT NULL,
    retry_at TIMESTAMP WITH TIME ZONE,
    exit_status BIGINT,
    failure JSONB,
    attach JSONB,
    attach_sha256 VARCHAR(64),
    sealed_env BYTEA,
    time_to_live BIGINT,
    started_at TIMESTAMP WITH TIME ZONE,
    up_at TIMESTAMP WITH TIME ZONE,
    draining_at TIMESTAMP WITH TIME ZONE,
    stopping_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_dynos PRIMARY KEY (id),
    CONSTRAINT fk_dynos_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE,
    CONSTRAINT fk_dynos_release_id FOREIGN KEY(release_id) REFERENCES releases (id) ON DELETE CASCADE,
    CONSTRAINT uq_dynos_attach_sha256 UNIQUE (attach_sha256)
);

CREATE INDEX ix_dynos_app_id ON dynos (app_id);

CREATE INDEX ix_dynos_ended_at ON dynos (ended_at);

CREATE INDEX ix_dynos_release_id ON dynos (release_id);

CREATE INDEX ix_dynos_live ON dynos (app_id) WHERE state <> 'ended';

-- A release is a record: only what is observed of it may change, and it stays while its app lives.
CREATE FUNCTION refuse_release_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT 1 FROM apps WHERE id = OLD.app_id AND deleting_at IS NULL) THEN
            RAISE EXCEPTION 'release v% is a record and cannot be deleted while its app lives', OLD.version;
        END IF;
        RETURN OLD;
    END IF;
    IF (to_jsonb(NEW) - '{status,stage,failure,updated_at}'::text[])
       IS DISTINCT FROM (to_jsonb(OLD) - '{status,stage,failure,updated_at}'::text[]) THEN
        RAISE EXCEPTION 'release v% is a record: only its status, stage and failure may change', OLD.version;
    END IF;
    IF OLD.status <> 'pending' AND NEW.status <> OLD.status THEN
        RAISE EXCEPTION 'release v% has ended as % and stays so', OLD.version, OLD.status;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER releases_are_records BEFORE UPDATE OR DELETE ON releases
    FOR EACH ROW EXECUTE FUNCTION refuse_release_change();
