-- Descriptions that are spam, by a classifier that the caller brings.
\set VERBOSITY default
BEGIN;
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, message, detail, hint);
END
$$;
CREATE FUNCTION pg_temp.classifier(changed jsonb DEFAULT '{}') RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to((jsonb '{"version": "test-v1", "training_corpus_version": "c1", "spam_prior": 0.5, "ham_prior": 0.5,
        "token_spam_counts": {"casino": 100, "bonus": 3}, "token_ham_counts": {"project": 100, "docs": 7},
        "spam_token_total": 103, "ham_token_total": 107, "vocabulary_size": 4, "smoothing": 1.0, "ingress_threshold": 0.9,
        "ingress_thresholds": {"public": 0.9, "private": 0.9999}, "feature_config": {"token_pattern": "[a-z0-9][a-z0-9_-]*", "include_repository_name": false},
        "training_metrics": {}}' || changed)::text, 'UTF8');
$$;
CREATE FUNCTION pg_temp.changed_features(changed jsonb) RETURNS bytea LANGUAGE sql AS $$
    SELECT pg_temp.classifier(jsonb_build_object('feature_config', jsonb '{"token_pattern": "[a-z0-9][a-z0-9_-]*"}' || changed));
$$;
CREATE FUNCTION pg_temp.evaluate(description text, classifier bytea DEFAULT pg_temp.classifier(), visibility text DEFAULT NULL, repository text DEFAULT NULL)
    RETURNS text LANGUAGE sql AS $$
    SELECT format('%s %s %s %s', e.allowed, coalesce(round(e.score::numeric, 6)::text, '-'), e.reason, coalesce(e.classifier_version, '-'))
    FROM quay.description_evaluate(description, classifier, visibility, repository) AS e;
$$;

SELECT pg_temp.evaluate('casino casino bonus https://spam.example');
SELECT pg_temp.evaluate('CASINO Casino, "bonus"! See HTTP://spam.example/x');
SELECT pg_temp.evaluate('docs of the project: https://docs.example/docs');
-- Tokens that nobody counted say little.
SELECT pg_temp.evaluate('https://x.example');
-- No link: allowed unseen, whatever the classifier.
SELECT d AS description, pg_temp.evaluate(d, NULL) FROM unnest(ARRAY['casino casino casino', '', NULL, 'ftp://casino.example', 'xhttp://casino', 'http:// casino', 'https://>']) AS d;
SELECT pg_temp.evaluate('(http://casino.example)'), pg_temp.evaluate(E'casino\nhttps://casino.example');
-- Text around it does not dilute spam, wherever it stands.
SELECT n, pg_temp.evaluate(repeat('project ', n) || 'https://x.example ' || repeat('casino ', 80) || repeat('docs ', n)) FROM unnest(ARRAY[0, 50, 500, 5000]) AS n;
SELECT pg_temp.evaluate(repeat('project ', 200) || 'https://x.example ' || repeat('casino ', 80));
SELECT pg_temp.evaluate(repeat('project docs ', 5000) || 'https://x.example');
-- Windows as the classifier says.
SELECT pg_temp.evaluate('casino casino project project project project https://x.example', pg_temp.changed_features(f::jsonb))
FROM unnest(ARRAY['{}', '{"classification_window_tokens": 2, "classification_window_stride": 1}', '{"classification_window_tokens": 2, "classification_window_stride": 2}',
                  '{"classification_window_tokens": 64}']) AS f;
-- The threshold depends on the visibility.
SELECT v AS visibility, pg_temp.evaluate('casino bonus https://x.example', visibility => v) FROM unnest(ARRAY['public', 'private', 'other', '', NULL]) AS v;
-- The name of the repository, if the classifier wants it.
SELECT pg_temp.evaluate('https://x.example', pg_temp.changed_features('{"include_repository_name": true}'), repository => 'casino'),
       pg_temp.evaluate('https://x.example', pg_temp.changed_features('{"include_repository_name": true}')),
       pg_temp.evaluate('https://x.example', repository => 'casino');
SELECT e.reason, e.classifier_version FROM pg_temp.classifier() AS c,
    quay.description_evaluate('https://x.example', c, version => 'test-v1', sha256 => upper(encode(sha256(c), 'hex'))) AS e;

-- A classifier that cannot be used.
SELECT pg_temp.try($$SELECT pg_temp.evaluate('https://x.example', NULL)$$);
SELECT pg_temp.try($$SELECT quay.description_evaluate('https://x.example', pg_temp.classifier(), version => 'v2')$$);
SELECT pg_temp.try($$SELECT quay.description_evaluate('https://x.example', pg_temp.classifier(), sha256 => repeat('0', 64))$$);
CREATE FUNCTION pg_temp.unusable(classifier bytea) RETURNS text LANGUAGE sql AS $$
    SELECT split_part(pg_temp.try(format('SELECT pg_temp.evaluate(%L, %L)', 'casino https://x.example', classifier)), E'\n', 1) || ': '
        || split_part(pg_temp.try(format('SELECT pg_temp.evaluate(%L, %L)', 'casino https://x.example', classifier)), E'\n', 2);
$$;
SELECT c AS classifier, pg_temp.unusable(convert_to(c, 'UTF8')) FROM unnest(ARRAY['', '{', '[]', '7', '{"a": "\u0000"}']) AS c;
SELECT pg_temp.unusable('\xff') AS not_utf8;
SELECT f AS missing, pg_temp.unusable(convert_to((convert_from(pg_temp.classifier(), 'UTF8')::jsonb - f)::text, 'UTF8'))
FROM jsonb_object_keys(convert_from(pg_temp.classifier(), 'UTF8')::jsonb) AS f ORDER BY f;
SELECT c AS changed, pg_temp.unusable(pg_temp.classifier(c::jsonb)) FROM unnest(ARRAY['{"version": 1}', '{"spam_prior": true}', '{"spam_prior": 0}', '{"ham_prior": -1}',
    '{"spam_token_total": 1.5}', '{"ham_token_total": -1}', '{"vocabulary_size": 0}', '{"smoothing": 0}', '{"smoothing": 1e400}', '{"token_spam_counts": []}', '{"token_spam_counts": {"casino": "many"}}',
    '{"token_ham_counts": {"casino": -7}}', '{"ingress_threshold": "0.9"}']) AS c;
SELECT pg_temp.try(format('SELECT quay.description_evaluate(%L, %L, %L)', 'https://x.example', pg_temp.classifier('{"ingress_thresholds": {"public": "high"}}'), 'public'));
SELECT f AS features, pg_temp.unusable(pg_temp.changed_features(f::jsonb)) FROM unnest(ARRAY['{"token_pattern": ".*"}', '{"include_repository_name": "yes"}', '{"classification_window_tokens": 0}',
    '{"classification_window_tokens": 4097}', '{"classification_window_tokens": 1.5}', '{"classification_window_tokens": "9"}', '{"classification_window_tokens": true}',
    '{"classification_window_tokens": 32}', '{"classification_window_stride": 129}', '{"classification_window_tokens": 4096, "classification_window_stride": 4096}']) AS f;
ROLLBACK;
