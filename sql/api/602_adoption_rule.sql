-- A Quay moves in: the rules. What of a source our tables cannot take, or take with another meaning, and what becomes of it: each rule once.
--
-- query gives source_id, old_value, new_value and detail, in braces as in 600_adoption_source.sql; $1 is the present in ms, $2 the id of the
-- run, $3 the revision of the source. Rules of table "*" are about every table: api/604_adoption_scan.sql writes their queries from the catalog, where they are looked at
-- in the order of this list, and only what the source does not prove by a constraint of its own.

CREATE OR REPLACE FUNCTION quay_internal.adoption_rule_list()
    RETURNS TABLE (rule text, table_name text, column_name text, treatment text, meaning text, query text)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
    -- What holds for every table
    ('enumeration_added', '*', NULL, 'kept', 'Enumerations are matched by name. A name that is not known here is added.', NULL),
    ('not_null', '*', NULL, 'changed or left out', 'A column that needs a value gets its default; without one the row is left out.', NULL),
    ('text_too_long', '*', NULL, 'left out', 'No text is cut.', NULL),
    ('foreign_key', '*', NULL, 'changed or left out',
        'What a row points to is there. A reference that may be missing is emptied where the row has a meaning without it; otherwise the row is left out, and with it all that points to it.', NULL),
    ('unique', '*', NULL, 'changed or left out',
        'What is unique here stays with the lowest id. The others get a new uuid, state or e-mail address (a random one) if that is all they have in common, and are left out if not.', NULL),
    ('json_double', '*', NULL, 'decoded', 'JSON that was encoded twice is decoded once. (Not pruning policies and the groups of synchronized teams, which the reference application reads so.)', NULL),

    -- Accounts
    ('organization_email', 'user', 'email', 'changed',
        'Two revisions kept the e-mail address of an organization beside it, in organizationcontactemail. It comes back.',
        $q$SELECT s.id, s.email, c.contact_email, NULL
           FROM {user} AS s JOIN {organizationcontactemail} AS c ON c.organization_id = s.id AND c.contact_email IS NOT NULL
           WHERE $3 = ANY (ARRAY['414c5e2fc487', 'c3d4e5f6a7b8']) AND s.organization AND s.email NOT LIKE '%@%'$q$),
    ('login_attempts_negative', 'user', 'invalid_login_attempts', 'changed', 'A count of failed logins below 0 becomes 0.',
        $q$SELECT s.id, s.invalid_login_attempts::text, '0', NULL FROM {user} AS s WHERE s.invalid_login_attempts < 0$q$),
    ('robot_without_namespace', 'user', 'enabled', 'changed',
        'A robot whose name does not start with that of a namespace is disabled: whoever takes that name next would own it.',
        $q$SELECT s.id, 'true', 'false', format('Robot "%s".', s.username) FROM {user} AS s
           WHERE s.robot AND s.enabled
             AND NOT EXISTS (SELECT FROM {user} AS n WHERE NOT n.robot AND n.username = split_part(s.username, '+', 1))$q$),
    ('team_owner', 'team', NULL, 'left out', 'Only organizations have teams.',
        $q$SELECT s.id, NULL, NULL, format('Team "%s" of "%s".', s.name, o.username)
           FROM {team} AS s JOIN {user} AS o ON o.id = s.organization_id WHERE NOT o.organization$q$),
    ('team_member_organization', 'teammember', NULL, 'left out', 'No organization is a member of a team.',
        $q$SELECT s.id, NULL, NULL, format('Organization "%s".', u.username)
           FROM {teammember} AS s JOIN {user} AS u ON u.id = s.user_id WHERE u.organization$q$),
    ('team_invite_nobody', 'teammemberinvite', NULL, 'left out', 'An invitation is to a user or to an e-mail address.',
        $q$SELECT s.id, NULL, NULL, NULL FROM {teammemberinvite} AS s WHERE s.user_id IS NULL AND s.email IS NULL$q$),
    ('team_invite_both', 'teammemberinvite', 'email', 'changed', 'An invitation to a user and an e-mail address is one to the user.',
        $q$SELECT s.id, s.email, NULL, NULL FROM {teammemberinvite} AS s WHERE s.user_id IS NOT NULL AND s.email IS NOT NULL$q$),
    ('permission_grantee', 'repositorypermission', NULL, 'left out', 'A permission is that of one user or one team. Rights are never guessed.',
        $q$SELECT s.id, NULL, NULL, format('%s grantees.', num_nonnulls(s.user_id, s.team_id))
           FROM {repositorypermission} AS s WHERE num_nonnulls(s.user_id, s.team_id) <> 1$q$),
    ('permission_foreign', 'repositorypermission', NULL, 'left out', 'Teams and enabled robots hold permissions in their own namespace only.',
        $q$SELECT s.id, NULL, NULL, format('Repository "%s/%s", %s.', n.username, r.name, CASE WHEN s.team_id IS NOT NULL THEN 'team ' || s.team_id ELSE 'robot ' || s.user_id END)
           FROM {repositorypermission} AS s
           JOIN {repository} AS r ON r.id = s.repository_id
           JOIN {user} AS n ON n.id = r.namespace_user_id
           LEFT JOIN {team} AS t ON t.id = s.team_id
           LEFT JOIN {user+} AS u ON u.id = s.user_id
           WHERE t.organization_id <> r.namespace_user_id
              OR u.robot AND u.enabled AND split_part(u.username, '+', 1) <> n.username$q$),

    -- Content
    ('blob_duplicate', 'imagestorage', NULL, 'merged',
        'Blobs of one digest become one: the first that has a location, is stored by its digest, and has a size. What refers to the others refers to it.',
        $q$SELECT d.id, NULL, d.kept::text, format('%s is blob %s.', d.content_checksum, d.kept)
           FROM (SELECT s.id, s.content_checksum,
                        first_value(s.id) OVER (PARTITION BY s.content_checksum
                                                ORDER BY EXISTS (SELECT FROM {imagestorageplacement} AS p WHERE p.storage_id = s.id) DESC,
                                                         s.cas_path DESC, s.image_size IS NULL, s.id) AS kept
                 FROM {imagestorage} AS s
                 WHERE s.content_checksum IN (SELECT c.content_checksum FROM {imagestorage} AS c
                                              GROUP BY c.content_checksum HAVING count(*) > 1)) AS d
           WHERE d.id <> d.kept$q$),
    ('blob_size_negative', 'imagestorage', 'image_size', 'changed', 'A size below 0 becomes unknown.',
        $q$SELECT s.id, s.image_size::text, NULL, NULL FROM {imagestorage} AS s WHERE s.image_size < 0$q$),
    ('blob_size_negative', 'imagestorage', 'uncompressed_size', 'changed', 'A size below 0 becomes unknown.',
        $q$SELECT s.id, s.uncompressed_size::text, NULL, NULL FROM {imagestorage} AS s WHERE s.uncompressed_size < 0$q$),
    ('blob_duplicate_path', 'imagestorageplacement', NULL, 'left out',
        'Where a merged blob lay by its own path, and not by the digest, the one that stays does not lie.',
        $q$SELECT s.id, NULL, NULL, format('Blob %s.', s.storage_id)
           FROM {imagestorageplacement} AS s
           JOIN {imagestorage} AS b ON b.id = s.storage_id AND NOT b.cas_path
           JOIN quay_internal.adoption_map AS m ON m.run_id = $2 AND m.table_name = 'imagestorage' AND m.source_id = s.storage_id$q$),
    ('manifest_size_negative', 'manifest', 'layers_compressed_size', 'changed', 'A size below 0 becomes unknown.',
        $q$SELECT s.id, s.layers_compressed_size::text, NULL, NULL FROM {manifest} AS s WHERE s.layers_compressed_size < 0$q$),
    ('manifest_blob_repository', 'manifestblob', 'repository_id', 'changed', 'The repository of a link to a blob is that of the manifest.',
        $q$SELECT s.id, s.repository_id::text, m.repository_id::text, NULL
           FROM {manifestblob} AS s JOIN {manifest} AS m ON m.id = s.manifest_id WHERE m.repository_id <> s.repository_id$q$),
    ('manifest_child_foreign', 'manifestchild', NULL, 'left out', 'An index and what it lists are in one repository.',
        $q$SELECT s.id, NULL, NULL, format('Index %s, manifest %s.', m.id, c.id)
           FROM {manifestchild} AS s JOIN {manifest} AS m ON m.id = s.manifest_id JOIN {manifest} AS c ON c.id = s.child_manifest_id
           WHERE m.repository_id <> c.repository_id$q$),
    ('manifest_child_repository', 'manifestchild', 'repository_id', 'changed', 'The repository of an entry of an index is that of the index.',
        $q$SELECT s.id, s.repository_id::text, m.repository_id::text, NULL
           FROM {manifestchild} AS s JOIN {manifest} AS m ON m.id = s.manifest_id WHERE m.repository_id <> s.repository_id$q$),
    ('manifest_label_repository', 'manifestlabel', 'repository_id', 'changed', 'The repository of a label is that of the manifest.',
        $q$SELECT s.id, s.repository_id::text, m.repository_id::text, NULL
           FROM {manifestlabel} AS s JOIN {manifest} AS m ON m.id = s.manifest_id WHERE m.repository_id <> s.repository_id$q$),
    ('manifest_scan_repository', 'manifestsecuritystatus', 'repository_id', 'changed', 'The repository of a scan is that of the manifest.',
        $q$SELECT s.id, s.repository_id::text, m.repository_id::text, NULL
           FROM {manifestsecuritystatus} AS s JOIN {manifest} AS m ON m.id = s.manifest_id WHERE m.repository_id <> s.repository_id$q$),
    ('tag_live_twice', 'tag', 'lifetime_end_ms', 'changed',
        'Of the live tags of a name the one that started last stays. Each other ends when the next one starts.',
        $q$WITH live AS (
               SELECT s.id, s.repository_id, s.name, s.lifetime_start_ms, s.lifetime_end_ms FROM {tag} AS s
               WHERE NOT s.hidden AND (s.lifetime_end_ms IS NULL OR s.lifetime_end_ms > $1)
           )
           SELECT o.id, o.lifetime_end_ms::text, o.next_start_ms::text, format('"%s" in repository %s; next is tag %s.', o.name, o.repository_id, o.next_id)
           FROM (SELECT l.*, lead(l.id) OVER w AS next_id, lead(l.lifetime_start_ms) OVER w AS next_start_ms
                 FROM live AS l JOIN (SELECT l.repository_id, l.name FROM live AS l GROUP BY l.repository_id, l.name HAVING count(*) > 1) AS t
                     ON t.repository_id = l.repository_id AND t.name = l.name
                 WINDOW w AS (PARTITION BY l.repository_id, l.name ORDER BY l.lifetime_start_ms, l.id)) AS o
           WHERE o.next_id IS NOT NULL$q$),
    ('tag_live_twice_immutable', 'tag', 'immutable', 'changed', 'A tag that gets an end so is not immutable any more.',
        $q$SELECT s.id, 'true', 'false', NULL
           FROM quay_internal.adoption_report AS o JOIN {tag} AS s ON s.id = o.source_id AND s.immutable
           WHERE o.run_id = $2 AND o.rule = 'tag_live_twice'$q$),

    -- What is taken as it is, and counted
    ('account_two_kinds', 'user', NULL, 'kept', 'An account is not both an organization and a robot.',
        $q$SELECT s.id, NULL, NULL, s.username FROM {user} AS s WHERE s.organization AND s.robot$q$),
    ('organization_without_admin', 'user', NULL, 'kept', 'An enabled organization has an enabled person in a team of role admin.',
        $q$SELECT s.id, NULL, NULL, s.username FROM {user} AS s
           WHERE s.organization AND s.enabled
             AND NOT EXISTS (SELECT FROM {team} AS t JOIN {teamrole} AS r ON r.id = t.role_id AND r.name = 'admin'
                             JOIN {teammember} AS m ON m.team_id = t.id
                             JOIN {user} AS u ON u.id = m.user_id AND u.enabled AND NOT u.robot AND NOT u.organization
                             WHERE t.organization_id = s.id)$q$),
    ('robot_foreign_team', 'teammember', NULL, 'kept', 'A robot in a team is of the organization of the team.',
        $q$SELECT s.id, NULL, NULL, u.username
           FROM {teammember} AS s JOIN {user} AS u ON u.id = s.user_id AND u.robot
           JOIN {team} AS t ON t.id = s.team_id JOIN {user} AS o ON o.id = t.organization_id
           WHERE split_part(u.username, '+', 1) <> o.username$q$),
    ('blob_size_unknown', 'imagestorage', NULL, 'kept', 'The size of a blob is known.',
        $q$SELECT s.id, NULL, NULL, s.content_checksum FROM {imagestorage} AS s WHERE s.image_size IS NULL$q$),
    ('blob_without_path', 'imagestorage', NULL, 'kept', 'A blob that is stored by its digest has one.',
        $q$SELECT s.id, NULL, NULL, s.uuid FROM {imagestorage} AS s WHERE s.cas_path AND s.content_checksum IS NULL$q$),
    ('manifest_broken', 'manifest', NULL, 'kept', 'A manifest has a digest. (BROKEN-...: images whose manifest an older release could not make.)',
        $q$SELECT s.id, NULL, NULL, s.digest FROM {manifest} AS s WHERE s.digest LIKE 'BROKEN-%'$q$),
    ('manifest_size_unknown', 'manifest', NULL, 'kept', 'The size of the layers of a manifest is known.',
        $q$SELECT s.id, NULL, NULL, s.digest FROM {manifest} AS s WHERE s.layers_compressed_size IS NULL$q$),
    ('manifest_subject_malformed', 'manifest', NULL, 'kept', 'The subject of a manifest is a digest.',
        $q$SELECT s.id, NULL, NULL, s.digest FROM {manifest} AS s WHERE s.subject LIKE '(%'$q$),
    ('tag_repository', 'tag', NULL, 'kept', 'A tag points to a manifest of its own repository.',
        $q$SELECT s.id, NULL, NULL, s.name FROM {tag} AS s JOIN {manifest} AS m ON m.id = s.manifest_id WHERE m.repository_id <> s.repository_id$q$),
    ('tag_hidden_name', 'tag', NULL, 'kept', 'Temporary tags, and no others, are hidden.',
        $q$SELECT s.id, NULL, NULL, s.name FROM {tag} AS s WHERE s.hidden <> (s.name LIKE '$temp-%')$q$),
    ('tag_immutable_end', 'tag', NULL, 'kept', 'An immutable tag has no end.',
        $q$SELECT s.id, NULL, NULL, s.name FROM {tag} AS s WHERE s.immutable AND NOT s.hidden AND s.lifetime_end_ms > $1$q$);
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_rule_list() IS
    'The rules of an adoption with their queries. Rules of one table are looked at in the order of the list.';

CREATE OR REPLACE FUNCTION quay.adoption_rules() RETURNS TABLE (rule text, table_name text, treatment text, meaning text)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT ON (l.rule) l.rule, l.table_name, l.treatment, l.meaning FROM quay_internal.adoption_rule_list() AS l ORDER BY l.rule;
END
$$;
COMMENT ON FUNCTION quay.adoption_rules() IS
    'What quay.adopt() looks for in the tables of a Quay, and what becomes of the rows: left out, changed (a column gets another value), decoded (JSON), merged (with another row), kept (taken as it is, and counted). Table "*": every table.';
