-- Metrics: what dynos use and the router answers, by the minute.
SELECT 1;
