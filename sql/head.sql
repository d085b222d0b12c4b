\echo Use "CREATE EXTENSION quay" to load this file. \quit

-- Every name below is qualified; this pin makes sure of it.
SET LOCAL search_path TO pg_catalog, pg_temp;
