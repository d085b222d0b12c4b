\set start random(0, 9899)
SELECT index, total, message, type, data FROM quay.buildlog_read('b0000000-0000-4000-8000-000000000128', :start, 100);
