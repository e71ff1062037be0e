ALTER TABLE slugs ADD COLUMN checksum VARCHAR(80);

CREATE TABLE inside_runs (
    id UUID NOT NULL,
    app_id UUID NOT NULL,
    dyno_id UUID NOT NULL,
    command TEXT NOT NULL,
    attach JSONB NOT NULL,
    attach_sha256 VARCHAR(64),
    sealed_env BYTEA,
    exit_status BIGINT,
    ended_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_inside_runs PRIMARY KEY (id),
    CONSTRAINT fk_inside_runs_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE,
    CONSTRAINT fk_inside_runs_dyno_id FOREIGN KEY(dyno_id) REFERENCES dynos (id) ON DELETE CASCADE,
    CONSTRAINT uq_inside_runs_attach_sha256 UNIQUE (attach_sha256)
);

CREATE INDEX ix_inside_runs_app_id ON inside_runs (app_id);

CREATE INDEX ix_inside_runs_dyno_id ON inside_runs (dyno_id);
