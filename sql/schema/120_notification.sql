-- Notifications: in the application, to the outside, and global messages.

CREATE SEQUENCE quay.notification_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.notification (
    id            bigint NOT NULL DEFAULT nextval('quay.notification_id_seq'),
    uuid          varchar(255) COLLATE "C" NOT NULL,
    kind_id       bigint NOT NULL,
    target_id     bigint NOT NULL,
    metadata_json text NOT NULL,
    created       timestamp NOT NULL,
    dismissed     boolean NOT NULL,
    lookup_path   varchar(255) COLLATE "C",
    CONSTRAINT pk_notification PRIMARY KEY (id),
    CONSTRAINT fk_notification_kind_id_notificationkind FOREIGN KEY (kind_id) REFERENCES quay.notificationkind (id),
    CONSTRAINT fk_notification_target_id_user FOREIGN KEY (target_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.notification_id_seq OWNED BY quay.notification.id;
CREATE INDEX notification_created ON quay.notification (created);
CREATE INDEX notification_kind_id ON quay.notification (kind_id);
CREATE INDEX notification_lookup_path ON quay.notification (lookup_path);
-- The newest ones of a target, and those that he has not dismissed, however many others he has. The reference has an index on target_id.
CREATE INDEX notification_target_id_id ON quay.notification (target_id, id);
CREATE INDEX notification_target_id_id_undismissed ON quay.notification (target_id, id) WHERE NOT dismissed;
CREATE INDEX notification_uuid ON quay.notification (uuid);

CREATE SEQUENCE quay.repositorynotification_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repositorynotification (
    id                 bigint NOT NULL DEFAULT nextval('quay.repositorynotification_id_seq'),
    uuid               varchar(255) COLLATE "C" NOT NULL,
    repository_id      bigint NOT NULL,
    event_id           bigint NOT NULL,
    method_id          bigint NOT NULL,
    title              varchar(255) COLLATE "C",
    config_json        text NOT NULL,
    event_config_json  text NOT NULL,
    number_of_failures integer NOT NULL DEFAULT 0,
    last_ran_ms        bigint,
    last_error         text,
    CONSTRAINT pk_repositorynotification PRIMARY KEY (id),
    CONSTRAINT fk_repositorynotification_event_id_externalnotificationevent FOREIGN KEY (event_id) REFERENCES quay.externalnotificationevent (id),
    CONSTRAINT fk_repositorynotification_method_id_externalnotificationmethod FOREIGN KEY (method_id) REFERENCES quay.externalnotificationmethod (id),
    CONSTRAINT fk_repositorynotification_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.repositorynotification_id_seq OWNED BY quay.repositorynotification.id;
CREATE INDEX repositorynotification_event_id ON quay.repositorynotification (event_id);
CREATE INDEX repositorynotification_last_ran_ms ON quay.repositorynotification (last_ran_ms);
CREATE INDEX repositorynotification_method_id ON quay.repositorynotification (method_id);
CREATE INDEX repositorynotification_repository_id ON quay.repositorynotification (repository_id);
CREATE INDEX repositorynotification_uuid ON quay.repositorynotification (uuid);

CREATE SEQUENCE quay.namespacenotification_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.namespacenotification (
    id                 bigint NOT NULL DEFAULT nextval('quay.namespacenotification_id_seq'),
    uuid               varchar(255) COLLATE "C" NOT NULL,
    namespace_id       bigint NOT NULL,
    event_id           bigint NOT NULL,
    method_id          bigint NOT NULL,
    title              varchar(255) COLLATE "C",
    config_json        text NOT NULL,
    event_config_json  text NOT NULL DEFAULT '{}',
    number_of_failures integer NOT NULL DEFAULT 0,
    last_ran_ms        bigint,
    last_error         text,
    CONSTRAINT pk_namespacenotification PRIMARY KEY (id),
    CONSTRAINT fk_namespacenotification_event_id FOREIGN KEY (event_id) REFERENCES quay.externalnotificationevent (id),
    CONSTRAINT fk_namespacenotification_method_id FOREIGN KEY (method_id) REFERENCES quay.externalnotificationmethod (id),
    CONSTRAINT fk_namespacenotification_namespace_id FOREIGN KEY (namespace_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.namespacenotification_id_seq OWNED BY quay.namespacenotification.id;
CREATE INDEX namespacenotification_event_id ON quay.namespacenotification (event_id);
CREATE INDEX namespacenotification_method_id ON quay.namespacenotification (method_id);
CREATE INDEX namespacenotification_namespace_id ON quay.namespacenotification (namespace_id);
CREATE INDEX namespacenotification_uuid ON quay.namespacenotification (uuid);

CREATE SEQUENCE quay.tagnotificationsuccess_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.tagnotificationsuccess (
    id              bigint NOT NULL DEFAULT nextval('quay.tagnotificationsuccess_id_seq'),
    notification_id bigint NOT NULL,
    tag_id          bigint NOT NULL,
    method_id       bigint NOT NULL,
    CONSTRAINT pk_tag_notification_success PRIMARY KEY (id),
    CONSTRAINT fk_tag_notification_success_method_id FOREIGN KEY (method_id) REFERENCES quay.externalnotificationmethod (id),
    CONSTRAINT fk_tag_notification_success_notification_id FOREIGN KEY (notification_id) REFERENCES quay.repositorynotification (id),
    CONSTRAINT fk_tag_notification_success_tag_id FOREIGN KEY (tag_id) REFERENCES quay.tag (id) ON DELETE RESTRICT
);
ALTER SEQUENCE quay.tagnotificationsuccess_id_seq OWNED BY quay.tagnotificationsuccess.id;
CREATE INDEX tagnotificationsuccess_method_id ON quay.tagnotificationsuccess (method_id);
CREATE INDEX tagnotificationsuccess_notification_id ON quay.tagnotificationsuccess (notification_id);
CREATE INDEX tagnotificationsuccess_tag_id ON quay.tagnotificationsuccess (tag_id);

CREATE SEQUENCE quay.messages_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.messages (
    id            bigint NOT NULL DEFAULT nextval('quay.messages_id_seq'),
    content       text NOT NULL,
    uuid          varchar(36) COLLATE "C" NOT NULL DEFAULT '',
    media_type_id bigint NOT NULL DEFAULT 1,
    severity      varchar(255) COLLATE "C" NOT NULL DEFAULT 'info',
    CONSTRAINT pk_messages PRIMARY KEY (id),
    CONSTRAINT fk_messages_media_type_id_mediatype FOREIGN KEY (media_type_id) REFERENCES quay.mediatype (id)
);
ALTER SEQUENCE quay.messages_id_seq OWNED BY quay.messages.id;
CREATE INDEX messages_media_type_id ON quay.messages (media_type_id);
CREATE INDEX messages_severity ON quay.messages (severity);
-- Rows written without one have the default, an empty text.
CREATE UNIQUE INDEX messages_uuid ON quay.messages (uuid) WHERE (uuid <> '');
