-- Metrics: what dynos use and the router answers, by the minute.

CREATE TABLE request_minutes (
    app_id UUID NOT NULL,
    minute TIMESTAMP WITH TIME ZONE NOT NULL,
    statuses JSONB NOT NULL,
    codes JSONB NOT NULL,
    histogram INTEGER[] NOT NULL,
    bytes BIGINT NOT NULL,
    CONSTRAINT pk_request_minutes PRIMARY KEY (app_id, minute),
    CONSTRAINT fk_request_minutes_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE
);

CREATE INDEX ix_request_minutes_minute ON request_minutes (minute);

CREATE TABLE dyno_minutes (
    app_id UUID NOT NULL,
    minute TIMESTAMP WITH TIME ZONE NOT NULL,
    dyno VARCHAR(90) NOT NULL,
    size VARCHAR(30) NOT NULL,
    samples BIGINT NOT NULL,
    memory_mb_sum FLOAT NOT NULL,
    memory_mb_max FLOAT NOT NULL,
    cpu_sum FLOAT NOT NULL,
    codes JSONB NOT NULL,
    CONSTRAINT pk_dyno_minutes PRIMARY KEY (app_id, minute, dyno),
    CONSTRAINT fk_dyno_minutes_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE
);

CREATE INDEX ix_dyno_minutes_minute ON dyno_minutes (minute);

-- The sums of two rows, for whoever adds to a minute or merges minutes.

CREATE FUNCTION sum_counts(a JSONB, b JSONB) RETURNS JSONB LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(key, total), '{}'::jsonb) FROM (
        SELECT key, sum(value::bigint) AS total FROM (
            SELECT * FROM jsonb_each_text(a) UNION ALL SELECT * FROM jsonb_each_text(b)
        ) AS both_of_them GROUP BY key
    ) AS summed
$$;

CREATE FUNCTION sum_elements(a INTEGER[], b INTEGER[]) RETURNS INTEGER[] LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg(coalesce(x, 0) + coalesce(y, 0) ORDER BY place)
    FROM unnest(a, b) WITH ORDINALITY AS pairs(x, y, place)
$$;

CREATE AGGREGATE sum_counts(JSONB) (SFUNC = sum_counts, STYPE = JSONB, INITCOND = '{}');
CREATE AGGREGATE sum_elements(INTEGER[]) (SFUNC = sum_elements, STYPE = INTEGER[], INITCOND = '{}');
