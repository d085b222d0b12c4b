-- A month in the middle of the log, of a namespace; the first one has a tenth of all entries.
\set n random(1, 3)
SELECT * FROM quay.log_count_by_day('org' || :n, start_time => date_trunc('month', now()) - interval '5 months', end_time => date_trunc('month', now()) - interval '4 months');
