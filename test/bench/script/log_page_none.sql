-- A namespace without an entry: all months are looked at.
SELECT * FROM quay.log_list(namespace_id => 987654321);
