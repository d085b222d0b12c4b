-- all clients into the log of one build
SELECT quay.buildlog_append('b0000000-0000-4000-8000-000000000127', 'Step 3/12 : RUN apt-get update && apt-get install -y build-essential');
