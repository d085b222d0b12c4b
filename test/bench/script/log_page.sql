\set n random(2, 1000)
SELECT * FROM quay.log_list('org' || :n);
