\set k random(100000000000, 100000000099)
SELECT quay.buildlog_append('00000000-0000-0000-0000-' || :k, 'Step 3/12 : RUN apt-get install -y --no-install-recommends ca-certificates curl git build-essential');
