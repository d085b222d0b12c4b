-- Image builds and what triggers them.

CREATE SEQUENCE quay.repositorybuildtrigger_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repositorybuildtrigger (
    id                              bigint NOT NULL DEFAULT nextval('quay.repositorybuildtrigger_id_seq'),
    uuid                            varchar(255) COLLATE "C" NOT NULL,
    service_id                      bigint NOT NULL,
    repository_id                   bigint NOT NULL,
    connected_user_id               bigint NOT NULL,
    config                          text NOT NULL,
    write_token_id                  bigint,
    pull_robot_id                   bigint,
    disabled_reason_id              bigint,
    enabled                         boolean NOT NULL DEFAULT true,
    successive_failure_count        integer NOT NULL DEFAULT 0,
    successive_internal_error_count integer NOT NULL DEFAULT 0,
    disabled_datetime               timestamp,
    secure_auth_token               varchar(255) COLLATE "C",
    secure_private_key              text,
    fully_migrated                  boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_repositorybuildtrigger PRIMARY KEY (id),
    CONSTRAINT fk_repositorybuildtrigger_connected_user_id_user FOREIGN KEY (connected_user_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_repositorybuildtrigger_disabled_reason_id_disablereason FOREIGN KEY (disabled_reason_id) REFERENCES quay.disablereason (id),
    CONSTRAINT fk_repositorybuildtrigger_pull_robot_id_user FOREIGN KEY (pull_robot_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_repositorybuildtrigger_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id),
    CONSTRAINT fk_repositorybuildtrigger_service_id_buildtriggerservice FOREIGN KEY (service_id) REFERENCES quay.buildtriggerservice (id),
    CONSTRAINT fk_repositorybuildtrigger_write_token_id_accesstoken FOREIGN KEY (write_token_id) REFERENCES quay.accesstoken (id)
);
ALTER SEQUENCE quay.repositorybuildtrigger_id_seq OWNED BY quay.repositorybuildtrigger.id;
CREATE INDEX repositorybuildtrigger_connected_user_id ON quay.repositorybuildtrigger (connected_user_id);
CREATE INDEX repositorybuildtrigger_disabled_datetime ON quay.repositorybuildtrigger (disabled_datetime);
CREATE INDEX repositorybuildtrigger_disabled_reason_id ON quay.repositorybuildtrigger (disabled_reason_id);
CREATE INDEX repositorybuildtrigger_pull_robot_id ON quay.repositorybuildtrigger (pull_robot_id);
CREATE INDEX repositorybuildtrigger_repository_id ON quay.repositorybuildtrigger (repository_id);
CREATE INDEX repositorybuildtrigger_service_id ON quay.repositorybuildtrigger (service_id);
CREATE INDEX repositorybuildtrigger_uuid ON quay.repositorybuildtrigger (uuid);
CREATE INDEX repositorybuildtrigger_write_token_id ON quay.repositorybuildtrigger (write_token_id);

CREATE SEQUENCE quay.repositorybuild_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repositorybuild (
    id              bigint NOT NULL DEFAULT nextval('quay.repositorybuild_id_seq'),
    uuid            varchar(255) COLLATE "C" NOT NULL,
    repository_id   bigint NOT NULL,
    access_token_id bigint NOT NULL,
    resource_key    varchar(255) COLLATE "C",
    job_config      text NOT NULL,
    phase           varchar(255) COLLATE "C" NOT NULL,
    started         timestamp NOT NULL,
    display_name    varchar(255) COLLATE "C" NOT NULL,
    trigger_id      bigint,
    pull_robot_id   bigint,
    logs_archived   boolean NOT NULL DEFAULT false,
    queue_id        varchar(255) COLLATE "C",
    CONSTRAINT pk_repositorybuild PRIMARY KEY (id),
    CONSTRAINT fk_repositorybuild_access_token_id_accesstoken FOREIGN KEY (access_token_id) REFERENCES quay.accesstoken (id),
    CONSTRAINT fk_repositorybuild_pull_robot_id_user FOREIGN KEY (pull_robot_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_repositorybuild_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id),
    CONSTRAINT fk_repositorybuild_trigger_id_repositorybuildtrigger FOREIGN KEY (trigger_id) REFERENCES quay.repositorybuildtrigger (id)
);
ALTER SEQUENCE quay.repositorybuild_id_seq OWNED BY quay.repositorybuild.id;
CREATE INDEX repositorybuild_access_token_id ON quay.repositorybuild (access_token_id);
CREATE INDEX repositorybuild_logs_archived ON quay.repositorybuild (logs_archived);
CREATE INDEX repositorybuild_pull_robot_id ON quay.repositorybuild (pull_robot_id);
CREATE INDEX repositorybuild_queue_id ON quay.repositorybuild (queue_id);
CREATE INDEX repositorybuild_repository_id_started_phase ON quay.repositorybuild (repository_id, started, phase);
CREATE INDEX repositorybuild_resource_key ON quay.repositorybuild (resource_key);
CREATE INDEX repositorybuild_started_logs_archived_phase ON quay.repositorybuild (started, logs_archived, phase);
CREATE INDEX repositorybuild_trigger_id ON quay.repositorybuild (trigger_id);
CREATE INDEX repositorybuild_uuid ON quay.repositorybuild (uuid);
