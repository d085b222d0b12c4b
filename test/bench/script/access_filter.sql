SELECT cardinality(quay.access_filter_many('broad', (SELECT array_agg(id) FROM quay.repository)));
