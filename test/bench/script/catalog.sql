SELECT name FROM quay.catalog('viewer', :after);
