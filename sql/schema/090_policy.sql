-- Immutability and pruning policies, and storage quotas.

CREATE SEQUENCE quay.namespaceimmutabilitypolicy_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.namespaceimmutabilitypolicy (
    id           bigint NOT NULL DEFAULT nextval('quay.namespaceimmutabilitypolicy_id_seq'),
    uuid         varchar(36) COLLATE "C" NOT NULL,
    namespace_id bigint NOT NULL,
    policy       text NOT NULL,
    CONSTRAINT pk_namespaceimmutabilitypolicyid PRIMARY KEY (id),
    CONSTRAINT fk_namespaceimmutabilitypolicy_namespace_id_user FOREIGN KEY (namespace_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.namespaceimmutabilitypolicy_id_seq OWNED BY quay.namespaceimmutabilitypolicy.id;
CREATE INDEX namespaceimmutabilitypolicy_namespace_id ON quay.namespaceimmutabilitypolicy (namespace_id);
CREATE UNIQUE INDEX namespaceimmutabilitypolicy_uuid ON quay.namespaceimmutabilitypolicy (uuid);

CREATE SEQUENCE quay.repositoryimmutabilitypolicy_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repositoryimmutabilitypolicy (
    id            bigint NOT NULL DEFAULT nextval('quay.repositoryimmutabilitypolicy_id_seq'),
    uuid          varchar(36) COLLATE "C" NOT NULL,
    repository_id bigint NOT NULL,
    namespace_id  bigint NOT NULL,
    policy        text NOT NULL,
    CONSTRAINT pk_repositoryimmutabilitypolicyid PRIMARY KEY (id),
    CONSTRAINT fk_repositoryimmutabilitypolicy_namespace_id_user FOREIGN KEY (namespace_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_repositoryimmutabilitypolicy_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.repositoryimmutabilitypolicy_id_seq OWNED BY quay.repositoryimmutabilitypolicy.id;
CREATE INDEX repositoryimmutabilitypolicy_namespace_id ON quay.repositoryimmutabilitypolicy (namespace_id);
CREATE INDEX repositoryimmutabilitypolicy_repository_id ON quay.repositoryimmutabilitypolicy (repository_id);
CREATE UNIQUE INDEX repositoryimmutabilitypolicy_uuid ON quay.repositoryimmutabilitypolicy (uuid);

CREATE SEQUENCE quay.namespaceautoprunepolicy_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.namespaceautoprunepolicy (
    id           bigint NOT NULL DEFAULT nextval('quay.namespaceautoprunepolicy_id_seq'),
    uuid         varchar(36) COLLATE "C" NOT NULL,
    namespace_id bigint NOT NULL,
    policy       text NOT NULL,
    CONSTRAINT pk_namespaceautoprunepolicyid PRIMARY KEY (id),
    CONSTRAINT fk_namespaceautoprunepolicy_namespace_id_user FOREIGN KEY (namespace_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.namespaceautoprunepolicy_id_seq OWNED BY quay.namespaceautoprunepolicy.id;
CREATE INDEX namespaceautoprunepolicy_namespace_id ON quay.namespaceautoprunepolicy (namespace_id);
CREATE UNIQUE INDEX namespaceautoprunepolicy_uuid ON quay.namespaceautoprunepolicy (uuid);

CREATE SEQUENCE quay.repositoryautoprunepolicy_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repositoryautoprunepolicy (
    id            bigint NOT NULL DEFAULT nextval('quay.repositoryautoprunepolicy_id_seq'),
    uuid          varchar(36) COLLATE "C" NOT NULL,
    repository_id bigint NOT NULL,
    namespace_id  bigint NOT NULL,
    policy        text NOT NULL,
    CONSTRAINT pk_repositoryautoprunepolicyid PRIMARY KEY (id),
    CONSTRAINT fk_repositoryautoprunepolicy_namespace_id_user FOREIGN KEY (namespace_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_repositoryautoprunepolicy_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.repositoryautoprunepolicy_id_seq OWNED BY quay.repositoryautoprunepolicy.id;
CREATE INDEX repositoryautoprunepolicy_namespace_id ON quay.repositoryautoprunepolicy (namespace_id);
CREATE INDEX repositoryautoprunepolicy_repository_id ON quay.repositoryautoprunepolicy (repository_id);
CREATE UNIQUE INDEX repositoryautoprunepolicy_uuid ON quay.repositoryautoprunepolicy (uuid);

CREATE SEQUENCE quay.autoprunetaskstatus_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.autoprunetaskstatus (
    id           bigint NOT NULL DEFAULT nextval('quay.autoprunetaskstatus_id_seq'),
    namespace_id bigint NOT NULL,
    last_ran_ms  bigint,
    status       text,
    CONSTRAINT pk_autoprunetaskstatusid PRIMARY KEY (id),
    CONSTRAINT fk_autoprunetaskstatus_namespace_id_user FOREIGN KEY (namespace_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.autoprunetaskstatus_id_seq OWNED BY quay.autoprunetaskstatus.id;
-- In the order in which tasks are taken: those that never ran first.
CREATE INDEX autoprunetaskstatus_last_ran_ms ON quay.autoprunetaskstatus (last_ran_ms NULLS FIRST);
CREATE UNIQUE INDEX autoprunetaskstatus_namespace_id ON quay.autoprunetaskstatus (namespace_id);

CREATE SEQUENCE quay.userorganizationquota_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.userorganizationquota (
    id           bigint NOT NULL DEFAULT nextval('quay.userorganizationquota_id_seq'),
    namespace_id bigint NOT NULL,
    limit_bytes  bigint NOT NULL,
    CONSTRAINT pk_userorganizationquota PRIMARY KEY (id),
    CONSTRAINT fk_userorganizationquota_organization FOREIGN KEY (namespace_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.userorganizationquota_id_seq OWNED BY quay.userorganizationquota.id;
CREATE UNIQUE INDEX userorganizationquota_organization ON quay.userorganizationquota (namespace_id);

CREATE SEQUENCE quay.quotalimits_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.quotalimits (
    id               bigint NOT NULL DEFAULT nextval('quay.quotalimits_id_seq'),
    quota_id         bigint NOT NULL,
    quota_type_id    bigint NOT NULL,
    percent_of_limit integer NOT NULL,
    CONSTRAINT pk_quotalimits PRIMARY KEY (id),
    CONSTRAINT fk_quotalimit_id FOREIGN KEY (quota_id) REFERENCES quay.userorganizationquota (id),
    CONSTRAINT fk_quotalimit_type FOREIGN KEY (quota_type_id) REFERENCES quay.quotatype (id)
);
ALTER SEQUENCE quay.quotalimits_id_seq OWNED BY quay.quotalimits.id;
CREATE INDEX quotalimits_quota_id ON quay.quotalimits (quota_id);
CREATE INDEX quotalimits_quota_type_id ON quay.quotalimits (quota_type_id);

CREATE SEQUENCE quay.quotanamespacesize_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.quotanamespacesize (
    id                bigint NOT NULL DEFAULT nextval('quay.quotanamespacesize_id_seq'),
    namespace_user_id bigint NOT NULL,
    size_bytes        bigint NOT NULL DEFAULT 0,
    backfill_start_ms bigint,
    backfill_complete boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_quotanamespacesizeid PRIMARY KEY (id),
    CONSTRAINT fk_quotanamespacesize_namespace_user_id_user FOREIGN KEY (namespace_user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.quotanamespacesize_id_seq OWNED BY quay.quotanamespacesize.id;
CREATE INDEX quotanamespacesize_backfill_start_ms ON quay.quotanamespacesize (backfill_start_ms);
CREATE UNIQUE INDEX quotanamespacesize_namespace_user_id ON quay.quotanamespacesize (namespace_user_id);
CREATE INDEX quotanamespacesize_size_bytes ON quay.quotanamespacesize (size_bytes);

CREATE SEQUENCE quay.quotarepositorysize_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.quotarepositorysize (
    id                bigint NOT NULL DEFAULT nextval('quay.quotarepositorysize_id_seq'),
    repository_id     bigint NOT NULL,
    size_bytes        bigint NOT NULL DEFAULT 0,
    backfill_start_ms bigint,
    backfill_complete boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_quotarepositorysizeid PRIMARY KEY (id),
    CONSTRAINT fk_quotarepositorysize_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.quotarepositorysize_id_seq OWNED BY quay.quotarepositorysize.id;
CREATE UNIQUE INDEX quotarepositorysize_repository_id ON quay.quotarepositorysize (repository_id);
CREATE INDEX quotarepositorysize_size_bytes ON quay.quotarepositorysize (size_bytes);

CREATE SEQUENCE quay.quotaregistrysize_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.quotaregistrysize (
    id           bigint NOT NULL DEFAULT nextval('quay.quotaregistrysize_id_seq'),
    size_bytes   bigint NOT NULL DEFAULT 0,
    running      boolean NOT NULL DEFAULT false,
    queued       boolean NOT NULL DEFAULT false,
    completed_ms bigint,
    CONSTRAINT pk_quotaregistrysizeid PRIMARY KEY (id)
);
ALTER SEQUENCE quay.quotaregistrysize_id_seq OWNED BY quay.quotaregistrysize.id;

CREATE SEQUENCE quay.quotanotificationstate_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.quotanotificationstate (
    id                bigint NOT NULL DEFAULT nextval('quay.quotanotificationstate_id_seq'),
    namespace_id      bigint NOT NULL,
    threshold_percent integer NOT NULL,
    last_notified_at  timestamp,
    cleared           boolean NOT NULL DEFAULT true,
    CONSTRAINT pk_quotanotificationstate PRIMARY KEY (id),
    CONSTRAINT fk_quotanotificationstate_namespace_id FOREIGN KEY (namespace_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.quotanotificationstate_id_seq OWNED BY quay.quotanotificationstate.id;
CREATE UNIQUE INDEX quotanotificationstate_namespace_threshold ON quay.quotanotificationstate (namespace_id, threshold_percent);
