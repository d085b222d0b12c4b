-- Repositories, who may do what in them, and what the search needs.

CREATE SEQUENCE quay.repository_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repository (
    id                bigint NOT NULL DEFAULT nextval('quay.repository_id_seq'),
    namespace_user_id bigint,
    name              varchar(255) COLLATE "C" NOT NULL,
    visibility_id     bigint NOT NULL,
    description       text,
    badge_token       varchar(255) COLLATE "C" NOT NULL,
    kind_id           bigint NOT NULL DEFAULT 1,
    trust_enabled     boolean NOT NULL DEFAULT false,
    state             integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_repository PRIMARY KEY (id),
    CONSTRAINT fk_repository_kind_id_repositorykind FOREIGN KEY (kind_id) REFERENCES quay.repositorykind (id),
    CONSTRAINT fk_repository_namespace_user_id_user FOREIGN KEY (namespace_user_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_repository_visibility_id_visibility FOREIGN KEY (visibility_id) REFERENCES quay.visibility (id)
);
ALTER SEQUENCE quay.repository_id_seq OWNED BY quay.repository.id;
CREATE INDEX repository_kind_id ON quay.repository (kind_id);
CREATE INDEX repository_namespace_user_id_id ON quay.repository (namespace_user_id, id);
CREATE UNIQUE INDEX repository_namespace_user_id_name ON quay.repository (namespace_user_id, name);
CREATE INDEX repository_state ON quay.repository (state);
CREATE INDEX repository_visibility_id_id ON quay.repository (visibility_id, id);
-- catalog() walks through the public repositories of each namespace by name.
CREATE INDEX repository_visibility_id_namespace_user_id_name ON quay.repository (visibility_id, namespace_user_id, name);

CREATE SEQUENCE quay.deletedrepository_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.deletedrepository (
    id            bigint NOT NULL DEFAULT nextval('quay.deletedrepository_id_seq'),
    repository_id bigint NOT NULL,
    marked        timestamp NOT NULL,
    original_name varchar(255) COLLATE "C" NOT NULL,
    queue_id      varchar(255) COLLATE "C",
    CONSTRAINT pk_deletedrepository PRIMARY KEY (id),
    CONSTRAINT fk_deletedrepository_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.deletedrepository_id_seq OWNED BY quay.deletedrepository.id;
CREATE INDEX deletedrepository_original_name ON quay.deletedrepository (original_name);
CREATE INDEX deletedrepository_queue_id ON quay.deletedrepository (queue_id);
CREATE UNIQUE INDEX deletedrepository_repository_id ON quay.deletedrepository (repository_id);

CREATE SEQUENCE quay.repositorypermission_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repositorypermission (
    id            bigint NOT NULL DEFAULT nextval('quay.repositorypermission_id_seq'),
    team_id       bigint,
    user_id       bigint,
    repository_id bigint NOT NULL,
    role_id       bigint NOT NULL,
    CONSTRAINT pk_repositorypermission PRIMARY KEY (id),
    CONSTRAINT repositorypermission_one_grantee CHECK (num_nonnulls(team_id, user_id) = 1),
    CONSTRAINT fk_repositorypermission_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id),
    CONSTRAINT fk_repositorypermission_role_id_role FOREIGN KEY (role_id) REFERENCES quay.role (id),
    CONSTRAINT fk_repositorypermission_team_id_team FOREIGN KEY (team_id) REFERENCES quay.team (id),
    CONSTRAINT fk_repositorypermission_user_id_user FOREIGN KEY (user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.repositorypermission_id_seq OWNED BY quay.repositorypermission.id;
CREATE INDEX repositorypermission_repository_id ON quay.repositorypermission (repository_id);
CREATE INDEX repositorypermission_role_id ON quay.repositorypermission (role_id);
CREATE UNIQUE INDEX repositorypermission_team_id_repository_id ON quay.repositorypermission (team_id, repository_id);
CREATE UNIQUE INDEX repositorypermission_user_id_repository_id ON quay.repositorypermission (user_id, repository_id);

CREATE SEQUENCE quay.permissionprototype_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.permissionprototype (
    id                 bigint NOT NULL DEFAULT nextval('quay.permissionprototype_id_seq'),
    org_id             bigint NOT NULL,
    uuid               varchar(255) COLLATE "C" NOT NULL,
    activating_user_id bigint,
    delegate_user_id   bigint,
    delegate_team_id   bigint,
    role_id            bigint NOT NULL,
    CONSTRAINT pk_permissionprototype PRIMARY KEY (id),
    CONSTRAINT fk_permissionprototype_activating_user_id_user FOREIGN KEY (activating_user_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_permissionprototype_delegate_team_id_team FOREIGN KEY (delegate_team_id) REFERENCES quay.team (id),
    CONSTRAINT fk_permissionprototype_delegate_user_id_user FOREIGN KEY (delegate_user_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_permissionprototype_org_id_user FOREIGN KEY (org_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_permissionprototype_role_id_role FOREIGN KEY (role_id) REFERENCES quay.role (id)
);
ALTER SEQUENCE quay.permissionprototype_id_seq OWNED BY quay.permissionprototype.id;
CREATE INDEX permissionprototype_activating_user_id ON quay.permissionprototype (activating_user_id);
CREATE INDEX permissionprototype_delegate_team_id ON quay.permissionprototype (delegate_team_id);
CREATE INDEX permissionprototype_delegate_user_id ON quay.permissionprototype (delegate_user_id);
CREATE INDEX permissionprototype_org_id_activating_user_id ON quay.permissionprototype (org_id, activating_user_id);
CREATE INDEX permissionprototype_role_id ON quay.permissionprototype (role_id);
CREATE UNIQUE INDEX permissionprototype_uuid ON quay.permissionprototype (uuid);

CREATE SEQUENCE quay.star_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.star (
    id            bigint NOT NULL DEFAULT nextval('quay.star_id_seq'),
    user_id       bigint NOT NULL,
    repository_id bigint NOT NULL,
    created       timestamp NOT NULL,
    CONSTRAINT pk_star PRIMARY KEY (id),
    CONSTRAINT fk_star_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id),
    CONSTRAINT fk_star_user_id_user FOREIGN KEY (user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.star_id_seq OWNED BY quay.star.id;
CREATE INDEX star_repository_id ON quay.star (repository_id);
CREATE UNIQUE INDEX star_user_id_repository_id ON quay.star (user_id, repository_id);

CREATE SEQUENCE quay.repositoryauthorizedemail_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repositoryauthorizedemail (
    id            bigint NOT NULL DEFAULT nextval('quay.repositoryauthorizedemail_id_seq'),
    repository_id bigint NOT NULL,
    email         varchar(255) COLLATE "C" NOT NULL,
    code          varchar(255) COLLATE "C" NOT NULL,
    confirmed     boolean NOT NULL,
    CONSTRAINT pk_repositoryauthorizedemail PRIMARY KEY (id),
    CONSTRAINT fk_repositoryauthorizedemail_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.repositoryauthorizedemail_id_seq OWNED BY quay.repositoryauthorizedemail.id;
CREATE UNIQUE INDEX repositoryauthorizedemail_code ON quay.repositoryauthorizedemail (code);
CREATE UNIQUE INDEX repositoryauthorizedemail_email_repository_id ON quay.repositoryauthorizedemail (email, repository_id);
CREATE INDEX repositoryauthorizedemail_repository_id ON quay.repositoryauthorizedemail (repository_id);

CREATE SEQUENCE quay.repositoryactioncount_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repositoryactioncount (
    id            bigint NOT NULL DEFAULT nextval('quay.repositoryactioncount_id_seq'),
    repository_id bigint NOT NULL,
    count         integer NOT NULL,
    date          date NOT NULL,
    CONSTRAINT pk_repositoryactioncount PRIMARY KEY (id),
    CONSTRAINT fk_repositoryactioncount_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.repositoryactioncount_id_seq OWNED BY quay.repositoryactioncount.id;
CREATE INDEX repositoryactioncount_date ON quay.repositoryactioncount (date);
CREATE UNIQUE INDEX repositoryactioncount_repository_id_date ON quay.repositoryactioncount (repository_id, date);

CREATE SEQUENCE quay.repositorysearchscore_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repositorysearchscore (
    id            bigint NOT NULL DEFAULT nextval('quay.repositorysearchscore_id_seq'),
    repository_id bigint NOT NULL,
    score         bigint NOT NULL,
    last_updated  timestamp,
    CONSTRAINT pk_repositorysearchscore PRIMARY KEY (id),
    CONSTRAINT fk_repositorysearchscore_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.repositorysearchscore_id_seq OWNED BY quay.repositorysearchscore.id;
CREATE UNIQUE INDEX repositorysearchscore_repository_id ON quay.repositorysearchscore (repository_id);
CREATE INDEX repositorysearchscore_score_repository_id ON quay.repositorysearchscore (score DESC, repository_id);
