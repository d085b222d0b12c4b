SELECT * FROM quay.log_count_by_day(start_time => date_trunc('month', now()) - interval '5 months', end_time => date_trunc('month', now()) - interval '4 months');
