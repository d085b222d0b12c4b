SELECT name FROM quay.catalog(NULL, :after);
