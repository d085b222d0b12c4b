\set turn :turn + 1
SELECT public.bench_push(:client_id, :turn);
