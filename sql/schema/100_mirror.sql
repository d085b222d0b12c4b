-- Proxy caches and mirrors of other registries.

CREATE SEQUENCE quay.proxycacheconfig_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.proxycacheconfig (
    id                         bigint NOT NULL DEFAULT nextval('quay.proxycacheconfig_id_seq'),
    organization_id            bigint NOT NULL,
    creation_date              timestamp NOT NULL,
    upstream_registry          varchar(2048) COLLATE "C" NOT NULL,
    upstream_registry_username varchar(4096) COLLATE "C",
    upstream_registry_password varchar(4096) COLLATE "C",
    expiration_s               integer DEFAULT 86400,
    insecure                   boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_proxy_cache_config PRIMARY KEY (id),
    CONSTRAINT fk_proxy_cache_config_organization_id FOREIGN KEY (organization_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.proxycacheconfig_id_seq OWNED BY quay.proxycacheconfig.id;
CREATE UNIQUE INDEX proxycacheconfig_organization_id ON quay.proxycacheconfig (organization_id);

CREATE SEQUENCE quay.repomirrorrule_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repomirrorrule (
    id             bigint NOT NULL DEFAULT nextval('quay.repomirrorrule_id_seq'),
    uuid           varchar(36) COLLATE "C" NOT NULL,
    repository_id  bigint NOT NULL,
    creation_date  timestamp NOT NULL,
    rule_type      integer NOT NULL,
    rule_value     text NOT NULL,
    left_child_id  bigint,
    right_child_id bigint,
    CONSTRAINT pk_repomirrorrule PRIMARY KEY (id),
    CONSTRAINT fk_repomirrorrule_left_child_id_repomirrorrule FOREIGN KEY (left_child_id) REFERENCES quay.repomirrorrule (id),
    CONSTRAINT fk_repomirrorrule_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id),
    CONSTRAINT fk_repomirrorrule_right_child_id_repomirrorrule FOREIGN KEY (right_child_id) REFERENCES quay.repomirrorrule (id)
);
ALTER SEQUENCE quay.repomirrorrule_id_seq OWNED BY quay.repomirrorrule.id;
CREATE INDEX repomirrorrule_left_child_id ON quay.repomirrorrule (left_child_id);
CREATE INDEX repomirrorrule_repository_id ON quay.repomirrorrule (repository_id);
CREATE INDEX repomirrorrule_right_child_id ON quay.repomirrorrule (right_child_id);
CREATE INDEX repomirrorrule_rule_type ON quay.repomirrorrule (rule_type);
CREATE UNIQUE INDEX repomirrorrule_uuid ON quay.repomirrorrule (uuid);

CREATE SEQUENCE quay.repomirrorconfig_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repomirrorconfig (
    id                         bigint NOT NULL DEFAULT nextval('quay.repomirrorconfig_id_seq'),
    repository_id              bigint NOT NULL,
    creation_date              timestamp NOT NULL,
    is_enabled                 boolean NOT NULL,
    mirror_type                integer NOT NULL,
    internal_robot_id          bigint NOT NULL,
    external_registry_username varchar(4096) COLLATE "C",
    external_registry_config   text NOT NULL,
    sync_interval              integer NOT NULL DEFAULT 60,
    sync_start_date            timestamp,
    sync_expiration_date       timestamp,
    sync_retries_remaining     integer NOT NULL DEFAULT 3,
    sync_status                integer NOT NULL,
    sync_transaction_id        varchar(36) COLLATE "C",
    root_rule_id               bigint NOT NULL,
    external_reference         text NOT NULL,
    external_registry_password varchar(9000) COLLATE "C",
    skopeo_timeout             bigint NOT NULL DEFAULT 300,
    architecture_filter        text,
    CONSTRAINT pk_repomirrorconfig PRIMARY KEY (id),
    CONSTRAINT fk_repomirrorconfig_internal_robot_id_user FOREIGN KEY (internal_robot_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_repomirrorconfig_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id),
    CONSTRAINT fk_repomirrorconfig_root_rule_id_repomirrorrule FOREIGN KEY (root_rule_id) REFERENCES quay.repomirrorrule (id)
);
ALTER SEQUENCE quay.repomirrorconfig_id_seq OWNED BY quay.repomirrorconfig.id;
CREATE INDEX repomirrorconfig_due ON quay.repomirrorconfig (
    (CASE WHEN sync_status = 3 THEN '-infinity'::timestamp
          WHEN sync_status IN (-2, 4) OR NOT is_enabled THEN NULL
          WHEN sync_status = 2 THEN coalesce(sync_expiration_date, '-infinity'::timestamp)
          WHEN sync_retries_remaining > 0 THEN sync_start_date END));
CREATE INDEX repomirrorconfig_internal_robot_id ON quay.repomirrorconfig (internal_robot_id);
CREATE INDEX repomirrorconfig_mirror_type ON quay.repomirrorconfig (mirror_type);
CREATE UNIQUE INDEX repomirrorconfig_repository_id ON quay.repomirrorconfig (repository_id);
CREATE INDEX repomirrorconfig_root_rule_id ON quay.repomirrorconfig (root_rule_id);
CREATE INDEX repomirrorconfig_sync_status ON quay.repomirrorconfig (sync_status);
CREATE INDEX repomirrorconfig_sync_transaction_id ON quay.repomirrorconfig (sync_transaction_id);

CREATE SEQUENCE quay.orgmirrorconfig_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.orgmirrorconfig (
    id                         bigint NOT NULL DEFAULT nextval('quay.orgmirrorconfig_id_seq'),
    organization_id            bigint NOT NULL,
    creation_date              timestamp NOT NULL,
    is_enabled                 boolean NOT NULL DEFAULT true,
    mirror_type                integer NOT NULL DEFAULT 1,
    external_registry_type     integer NOT NULL,
    external_registry_url      varchar(2048) COLLATE "C" NOT NULL,
    external_namespace         varchar(255) COLLATE "C" NOT NULL,
    external_registry_username varchar(4096) COLLATE "C",
    external_registry_password varchar(9000) COLLATE "C",
    external_registry_config   text NOT NULL,
    internal_robot_id          bigint NOT NULL,
    repository_filters         text NOT NULL,
    visibility_id              bigint NOT NULL,
    delete_stale_repos         boolean NOT NULL DEFAULT false,
    sync_interval              integer NOT NULL,
    sync_start_date            timestamp,
    sync_expiration_date       timestamp,
    sync_retries_remaining     integer NOT NULL DEFAULT 3,
    sync_status                integer NOT NULL DEFAULT 0,
    sync_transaction_id        varchar(36) COLLATE "C",
    skopeo_timeout             bigint NOT NULL DEFAULT 300,
    architecture_filter        text NOT NULL DEFAULT '[]',
    CONSTRAINT pk_orgmirrorconfig PRIMARY KEY (id),
    CONSTRAINT fk_orgmirrorconfig_internal_robot_id_user FOREIGN KEY (internal_robot_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_orgmirrorconfig_organization_id_user FOREIGN KEY (organization_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_orgmirrorconfig_visibility_id_visibility FOREIGN KEY (visibility_id) REFERENCES quay.visibility (id)
);
ALTER SEQUENCE quay.orgmirrorconfig_id_seq OWNED BY quay.orgmirrorconfig.id;
CREATE INDEX orgmirrorconfig_internal_robot_id ON quay.orgmirrorconfig (internal_robot_id);
CREATE UNIQUE INDEX orgmirrorconfig_organization_id ON quay.orgmirrorconfig (organization_id);
CREATE INDEX orgmirrorconfig_sync_start_date ON quay.orgmirrorconfig (sync_start_date);
CREATE INDEX orgmirrorconfig_sync_status ON quay.orgmirrorconfig (sync_status);
CREATE INDEX orgmirrorconfig_visibility_id ON quay.orgmirrorconfig (visibility_id);

CREATE SEQUENCE quay.orgmirrorrepository_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.orgmirrorrepository (
    id                     bigint NOT NULL DEFAULT nextval('quay.orgmirrorrepository_id_seq'),
    org_mirror_config_id   bigint NOT NULL,
    repository_name        varchar(255) COLLATE "C" NOT NULL,
    repository_id          bigint,
    discovery_date         timestamp NOT NULL,
    sync_status            integer NOT NULL DEFAULT 0,
    sync_start_date        timestamp,
    sync_expiration_date   timestamp,
    last_sync_date         timestamp,
    status_message         text,
    creation_date          timestamp NOT NULL,
    sync_retries_remaining integer NOT NULL DEFAULT 3,
    sync_transaction_id    varchar(36) COLLATE "C",
    CONSTRAINT pk_orgmirrorrepository PRIMARY KEY (id),
    CONSTRAINT fk_orgmirrorrepository_org_mirror_config_id_orgmirrorconfig FOREIGN KEY (org_mirror_config_id) REFERENCES quay.orgmirrorconfig (id),
    CONSTRAINT fk_orgmirrorrepository_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.orgmirrorrepository_id_seq OWNED BY quay.orgmirrorrepository.id;
CREATE UNIQUE INDEX orgmirrorrepository_config_repo_name ON quay.orgmirrorrepository (org_mirror_config_id, repository_name);
CREATE INDEX orgmirrorrepository_config_status ON quay.orgmirrorrepository (org_mirror_config_id, sync_status);
CREATE INDEX orgmirrorrepository_due ON quay.orgmirrorrepository (
    (CASE WHEN sync_status = 3 THEN '-infinity'::timestamp
          WHEN sync_status IN (-2, 4) THEN NULL
          WHEN sync_status = 2 THEN coalesce(sync_expiration_date, '-infinity'::timestamp)
          WHEN sync_retries_remaining > 0 THEN sync_start_date END));
CREATE INDEX orgmirrorrepository_repository_id ON quay.orgmirrorrepository (repository_id);
CREATE INDEX orgmirrorrepository_sync_status ON quay.orgmirrorrepository (sync_status);

-- Hosts that proxy caches and mirrors may name although they are in a private network.
CREATE TABLE quay.allowed_upstream_host (
    host text COLLATE "C" NOT NULL,
    CONSTRAINT pk_allowed_upstream_host PRIMARY KEY (host)
);
