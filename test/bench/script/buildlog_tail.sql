-- what somebody who follows a log asks for: is there something new?
SELECT index, total, message, type, data FROM quay.buildlog_read('b0000000-0000-4000-8000-000000000128', 10000, 100);
