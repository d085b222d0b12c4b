-- 20 lines, as a worker that sends what has come since a tenth of a second ago
SELECT quay.buildlog_append_many('b0000000-0000-4000-8000-' || lpad((:client_id)::text, 12, '0'), array_fill('Step 3/12 : RUN apt-get update && apt-get install -y build-essential'::text, ARRAY[20]));
