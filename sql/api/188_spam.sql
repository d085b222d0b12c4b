-- Is the description of a repository spam? A naive Bayes classifier, trained elsewhere.

CREATE OR REPLACE FUNCTION quay_internal.spam_unavailable(problem text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY077',
        MESSAGE = 'spam classifier cannot be used',
        DETAIL = problem,
        HINT = 'Pass the file that the training wrote, as it is, with its version and checksum.';
END
$$;
COMMENT ON FUNCTION quay_internal.spam_unavailable(text) IS 'Raises QY077 with this detail.';

CREATE OR REPLACE FUNCTION quay_internal.spam_classifier_check(classifier jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    field record;
    value jsonb;
    features jsonb := classifier -> 'feature_config';
BEGIN
    IF jsonb_typeof(classifier) IS DISTINCT FROM 'object' THEN
        PERFORM quay_internal.spam_unavailable('It is not a JSON object.');
    END IF;
    -- minimum: NULL for none
    FOR field IN
        SELECT * FROM (VALUES ('version', 'string', false, NULL::numeric, false), ('training_corpus_version', 'string', false, NULL, false),
            ('spam_prior', 'number', false, 0, true), ('ham_prior', 'number', false, 0, true),
            ('token_spam_counts', 'object', false, NULL, false), ('token_ham_counts', 'object', false, NULL, false),
            ('spam_token_total', 'number', true, 0, false), ('ham_token_total', 'number', true, 0, false),
            ('vocabulary_size', 'number', true, 0, true), ('smoothing', 'number', false, 0, true),
            ('ingress_threshold', 'number', false, NULL, false), ('ingress_thresholds', 'object', false, NULL, false),
            ('feature_config', 'object', false, NULL, false), ('training_metrics', 'object', false, NULL, false))
            AS f (name, type, is_integer, minimum, exclusive)
    LOOP
        value := classifier -> field.name;
        IF jsonb_typeof(value) IS DISTINCT FROM field.type THEN
            PERFORM quay_internal.spam_unavailable(format('Its field %s is %s, not a JSON %s.', field.name,
                coalesce('a JSON ' || jsonb_typeof(value), 'missing'), field.type));
        END IF;
        CONTINUE WHEN field.type <> 'number';
        IF field.is_integer AND value::numeric <> trunc(value::numeric) THEN
            PERFORM quay_internal.spam_unavailable(format('Its field %s is %s, not an integer.', field.name, left(value::text, 80)));
        END IF;
        IF value::numeric < field.minimum OR field.exclusive AND value::numeric = field.minimum THEN
            PERFORM quay_internal.spam_unavailable(format('Its field %s is %s, too small.', field.name, left(value::text, 80)));
        END IF;
    END LOOP;

    -- Another pattern would make other tokens than those that were counted.
    IF features -> 'token_pattern' <> '"[a-z0-9][a-z0-9_-]*"' THEN
        PERFORM quay_internal.spam_unavailable('Its token_pattern is not [a-z0-9][a-z0-9_-]*.');
    END IF;
    IF jsonb_typeof(features -> 'include_repository_name') <> 'boolean' THEN
        PERFORM quay_internal.spam_unavailable('Its include_repository_name is neither true nor false.');
    END IF;
    FOR field IN
        SELECT f.name, f.maximum, coalesce(features -> f.name, f.by_default) AS value
        FROM (VALUES (1, 'classification_window_tokens', jsonb '128', jsonb '4096'),
                     (2, 'classification_window_stride', '64', coalesce(features -> 'classification_window_tokens', '128')))
            AS f (number, name, by_default, maximum)
        ORDER BY f.number
    LOOP
        IF jsonb_typeof(field.value) <> 'number' OR field.value::numeric <> trunc(field.value::numeric)
           OR field.value::numeric < 1 OR field.value::numeric > field.maximum::numeric THEN
            PERFORM quay_internal.spam_unavailable(format('Its %s is %s, not an integer from 1 to %s.',
                field.name, left(field.value::text, 80), field.maximum));
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.spam_classifier_check(jsonb) IS
    'Refuses (QY077) a classifier that lacks a field or has one that cannot be: version, training_corpus_version, spam_prior, ham_prior, token_spam_counts, token_ham_counts, spam_token_total, ham_token_total, vocabulary_size, smoothing, ingress_threshold, ingress_thresholds, feature_config, training_metrics.';

CREATE OR REPLACE FUNCTION quay_internal.spam_score(classifier jsonb, content text) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    spam jsonb := classifier -> 'token_spam_counts';
    ham jsonb := classifier -> 'token_ham_counts';
    smoothing double precision := (classifier -> 'smoothing')::double precision;
    vocabulary double precision := (classifier -> 'vocabulary_size')::double precision;
    spam_total double precision := (classifier -> 'spam_token_total')::double precision + smoothing * vocabulary;
    ham_total double precision := (classifier -> 'ham_token_total')::double precision + smoothing * vocabulary;
    prior double precision := ln((classifier -> 'spam_prior')::double precision) - ln((classifier -> 'ham_prior')::double precision);
    width integer := coalesce((classifier #> '{feature_config,classification_window_tokens}')::integer, 128);
    stride integer := coalesce((classifier #> '{feature_config,classification_window_stride}')::integer, 64);
    -- of each token: how much rather spam than not, as a logarithm
    weights double precision[];
    last_start integer;
    evidence double precision;
BEGIN
    SELECT array_agg(ln((coalesce((spam -> t.token)::double precision, 0) + smoothing) / spam_total)
                     - ln((coalesce((ham -> t.token)::double precision, 0) + smoothing) / ham_total) ORDER BY t.number)
    INTO weights
    FROM (SELECT m.match[1] AS token, m.number
          FROM regexp_matches(lower(content COLLATE "C"), '[a-z0-9][a-z0-9_-]*', 'g') WITH ORDINALITY AS m (match, number)) AS t;

    -- The worst window counts, so that spam does not hide in a long text. The last one ends with the text.
    last_start := greatest(coalesce(cardinality(weights), 0) - width, 0);
    SELECT max(coalesce((SELECT sum(e.weight) FROM unnest(weights[w.start + 1 : w.start + width]) AS e (weight)), 0)) INTO evidence
    FROM (SELECT generate_series(0, last_start, stride) UNION SELECT last_start) AS w (start);
    -- Far from 0 the exponential function would be out of range.
    RETURN 1 / (1 + exp(-least(greatest(prior + evidence, -700), 700)));
END
$$;
COMMENT ON FUNCTION quay_internal.spam_score(jsonb, text) IS
    'Probability, 0 to 1, that a text is spam, for a classifier that spam_classifier_check() let pass: the highest of its windows of tokens.';

CREATE OR REPLACE FUNCTION quay.description_evaluate(description text, classifier bytea, visibility text DEFAULT NULL, repository text DEFAULT NULL,
                                                     version text DEFAULT NULL, sha256 text DEFAULT NULL)
    RETURNS TABLE (allowed boolean, score double precision, reason text, classifier_version text)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    model jsonb;
    threshold double precision;
BEGIN
    IF coalesce(description_evaluate.description, '') COLLATE "C" !~* '\mhttps?://[^[:space:]<>()]+' THEN
        allowed := true;
        reason := 'hyperlink_required';
        RETURN NEXT;
        RETURN;
    END IF;
    IF classifier IS NULL THEN
        PERFORM quay_internal.spam_unavailable('There is none.');
    END IF;
    IF lower(description_evaluate.sha256) <> encode(sha256(classifier), 'hex') THEN
        PERFORM quay_internal.spam_unavailable('It has another checksum than expected.');
    END IF;
    BEGIN
        model := convert_from(classifier, 'UTF8')::jsonb;
        PERFORM quay_internal.spam_classifier_check(model);
        classifier_version := model ->> 'version';
        threshold := coalesce(model -> 'ingress_thresholds' -> nullif(description_evaluate.visibility, ''),
            model -> 'ingress_threshold')::double precision;
        score := quay_internal.spam_score(model, description_evaluate.description
            || CASE WHEN (model #> '{feature_config,include_repository_name}')::boolean
                    THEN ' ' || coalesce(description_evaluate.repository, '') ELSE '' END);
    EXCEPTION WHEN data_exception OR statement_too_complex THEN
        PERFORM quay_internal.spam_unavailable(left(SQLERRM, 120));
    END;
    IF classifier_version <> description_evaluate.version THEN
        PERFORM quay_internal.spam_unavailable(format('It is of version "%s", not "%s".',
            left(classifier_version, 80), left(description_evaluate.version, 80)));
    END IF;
    allowed := score < threshold;
    reason := CASE WHEN allowed THEN 'score_below_threshold' ELSE 'score_exceeded_threshold' END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.description_evaluate(text, bytea, text, text, text, text) IS
    'Is the description of a repository allowed, or spam? classifier: the JSON file that the training wrote, byte by byte; version, sha256 (hexadecimal): what it has to be, NULL for any. visibility chooses the threshold; repository, its name, counts if the classifier says so. Reads no table.
allowed: the score, the probability of spam from 0 to 1, is below the threshold. reason: hyperlink_required (a text without a link to http or https is allowed unseen, and has no score), score_below_threshold, score_exceeded_threshold.
Tokens are looked at in windows of 128 that advance by 64, or as the classifier says, and the worst counts. Errors: QY077 the classifier cannot be used, the detail says why; whether the description then passes is for the caller to decide.';
