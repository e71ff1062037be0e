-- Jobs of scheduler, and their runs. A moment of a job has one run at most.
CREATE TABLE kedge_addons.scheduler_jobs (
    id UUID NOT NULL PRIMARY KEY,
    resource_id UUID NOT NULL,
    command TEXT NOT NULL,
    size VARCHAR(30) NOT NULL,
    expression VARCHAR(100) NOT NULL,
    considered_until TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now()
);
CREATE INDEX ix_scheduler_jobs_resource_id ON kedge_addons.scheduler_jobs (resource_id);

CREATE TABLE kedge_addons.scheduler_runs (
    id UUID NOT NULL PRIMARY KEY,
    job_id UUID NOT NULL REFERENCES kedge_addons.scheduler_jobs (id) ON DELETE CASCADE,
    resource_id UUID NOT NULL,
    slot TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    count INTEGER NOT NULL,
    command TEXT NOT NULL,
    size VARCHAR(30) NOT NULL,
    state VARCHAR(12) NOT NULL,
    reason TEXT,
    dyno VARCHAR(80),
    exit_status INTEGER,
    started_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    UNIQUE (job_id, slot)
);
CREATE INDEX ix_scheduler_runs_going ON kedge_addons.scheduler_runs (resource_id)
    WHERE state IN ('starting', 'running');
