SELECT quay.buildlog_append('b0000000-0000-4000-8000-' || lpad((:client_id)::text, 12, '0'), 'Step 3/12 : RUN apt-get update && apt-get install -y build-essential');
