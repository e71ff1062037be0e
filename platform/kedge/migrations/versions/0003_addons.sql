-- Add-ons: services, plans, add-ons, attachments, grants.

CREATE TABLE addon_services (
    id UUID NOT NULL,
    name VARCHAR(60) NOT NULL,
    human_name VARCHAR(100) NOT NULL,
    description TEXT NOT NULL,
    docs_url VARCHAR(500),
    icon VARCHAR(60),
    base_url VARCHAR(500) NOT NULL,
    sso_url VARCHAR(500),
    config_vars JSONB NOT NULL,
    prefix VARCHAR(60) NOT NULL,
    primary_name VARCHAR(60) NOT NULL,
    capabilities JSONB NOT NULL,
    is_builtin BOOLEAN NOT NULL,
    is_retired BOOLEAN NOT NULL,
    sealed BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_addon_services PRIMARY KEY (id),
    CONSTRAINT uq_addon_services_name UNIQUE (name)
);

CREATE TABLE addon_plans (
    id UUID NOT NULL,
    service_id UUID NOT NULL,
    name VARCHAR(120) NOT NULL,
    human_name VARCHAR(100) NOT NULL,
    description TEXT NOT NULL,
    price_cents BIGINT NOT NULL,
    price_unit VARCHAR(20) NOT NULL,
    is_default BOOLEAN NOT NULL,
    is_retired BOOLEAN NOT NULL,
    position BIGINT NOT NULL,
    attributes JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_addon_plans PRIMARY KEY (id),
    CONSTRAINT fk_addon_plans_service_id FOREIGN KEY(service_id) REFERENCES addon_services (id) ON DELETE CASCADE,
    CONSTRAINT uq_addon_plans_name UNIQUE (name)
);

CREATE INDEX ix_addon_plans_service_id ON addon_plans (service_id);

CREATE TABLE addons (
    id UUID NOT NULL,
    name VARCHAR(80) NOT NULL,
    app_id UUID,
    plan_id UUID NOT NULL,
    user_id UUID NOT NULL,
    state VARCHAR(20) NOT NULL,
    provider_id VARCHAR(300),
    sealed_config BYTEA,
    sealed_options BYTEA,
    message TEXT,
    failure TEXT,
    log_drain_url TEXT,
    attempts BIGINT NOT NULL,
    began_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    is_restoring BOOLEAN NOT NULL,
    try_at TIMESTAMP WITH TIME ZONE,
    leased_until TIMESTAMP WITH TIME ZONE,
    resting_until TIMESTAMP WITH TIME ZONE,
    idempotency_key VARCHAR(200),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_addons PRIMARY KEY (id),
    CONSTRAINT fk_addons_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE SET NULL,
    CONSTRAINT fk_addons_plan_id FOREIGN KEY(plan_id) REFERENCES addon_plans (id),
    CONSTRAINT fk_addons_user_id FOREIGN KEY(user_id) REFERENCES accounts (id),
    CONSTRAINT uq_addons_idempotency_key UNIQUE (idempotency_key)
);

CREATE INDEX ix_addons_app_id ON addons (app_id);

CREATE INDEX ix_addons_plan_id ON addons (plan_id);

CREATE INDEX ix_addons_unsettled ON addons (try_at) WHERE try_at IS NOT NULL;

CREATE INDEX ix_addons_user_id ON addons (user_id);

CREATE UNIQUE INDEX uq_addons_name ON addons (name) WHERE state <> 'deprovisioned';

CREATE TABLE addon_attachments (
    id UUID NOT NULL,
    name VARCHAR(120) NOT NULL,
    namespace VARCHAR(120),
    addon_id UUID NOT NULL,
    app_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_addon_attachments PRIMARY KEY (id),
    CONSTRAINT uq_addon_attachments_app_id_name UNIQUE (app_id, name),
    CONSTRAINT fk_addon_attachments_addon_id FOREIGN KEY(addon_id) REFERENCES addons (id) ON DELETE CASCADE,
    CONSTRAINT fk_addon_attachments_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE
);

CREATE INDEX ix_addon_attachments_addon_id ON addon_attachments (addon_id);

CREATE INDEX ix_addon_attachments_app_id ON addon_attachments (app_id);

CREATE TABLE addon_grants (
    id UUID NOT NULL,
    addon_id UUID NOT NULL,
    code_sha256 VARCHAR(64),
    access_sha256 VARCHAR(64),
    refresh_sha256 VARCHAR(64),
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_addon_grants PRIMARY KEY (id),
    CONSTRAINT fk_addon_grants_addon_id FOREIGN KEY(addon_id) REFERENCES addons (id) ON DELETE CASCADE,
    CONSTRAINT uq_addon_grants_code_sha256 UNIQUE (code_sha256),
    CONSTRAINT uq_addon_grants_access_sha256 UNIQUE (access_sha256),
    CONSTRAINT uq_addon_grants_refresh_sha256 UNIQUE (refresh_sha256)
);

CREATE INDEX ix_addon_grants_addon_id ON addon_grants (addon_id);

