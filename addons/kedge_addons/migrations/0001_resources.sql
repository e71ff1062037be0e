-- Resources of the built-in add-on providers: one row for each add-on.
CREATE TABLE kedge_addons.resources (
    id UUID NOT NULL PRIMARY KEY,
    service VARCHAR(60) NOT NULL,
    name VARCHAR(80) NOT NULL,
    plan VARCHAR(60) NOT NULL,
    options JSONB NOT NULL,
    state VARCHAR(20) NOT NULL,
    message TEXT,
    facts JSONB NOT NULL,
    sealed BYTEA,
    "grant" BYTEA,
    callback_url TEXT NOT NULL,
    owes VARCHAR(20),
    attempts INTEGER NOT NULL,
    try_at TIMESTAMP WITH TIME ZONE,
    rests_until TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now()
);
CREATE INDEX ix_resources_due ON kedge_addons.resources (try_at) WHERE try_at IS NOT NULL;
