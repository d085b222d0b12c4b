\set k random(100000000000, 100000000099)
SELECT index, message FROM quay.buildlog_read('00000000-0000-0000-0000-' || :k, 0, 50);
