\set turn :turn + 1
SELECT push(:client_id, :turn);
