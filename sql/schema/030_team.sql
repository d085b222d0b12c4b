-- Teams of organizations, their members, invitations and synchronization.

CREATE SEQUENCE quay.team_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.team (
    id              bigint NOT NULL DEFAULT nextval('quay.team_id_seq'),
    name            varchar(255) COLLATE "C" NOT NULL,
    organization_id bigint NOT NULL,
    role_id         bigint NOT NULL,
    description     text NOT NULL,
    CONSTRAINT pk_team PRIMARY KEY (id),
    CONSTRAINT fk_team_organization_id_user FOREIGN KEY (organization_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_team_role_id_teamrole FOREIGN KEY (role_id) REFERENCES quay.teamrole (id)
);
ALTER SEQUENCE quay.team_id_seq OWNED BY quay.team.id;
CREATE UNIQUE INDEX team_name_organization_id ON quay.team (name, organization_id);
CREATE INDEX team_organization_id ON quay.team (organization_id);
CREATE INDEX team_role_id ON quay.team (role_id);

CREATE SEQUENCE quay.teammember_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.teammember (
    id      bigint NOT NULL DEFAULT nextval('quay.teammember_id_seq'),
    user_id bigint NOT NULL,
    team_id bigint NOT NULL,
    CONSTRAINT pk_teammember PRIMARY KEY (id),
    CONSTRAINT fk_teammember_team_id_team FOREIGN KEY (team_id) REFERENCES quay.team (id),
    CONSTRAINT fk_teammember_user_id_user FOREIGN KEY (user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.teammember_id_seq OWNED BY quay.teammember.id;
CREATE INDEX teammember_team_id ON quay.teammember (team_id);
CREATE UNIQUE INDEX teammember_user_id_team_id ON quay.teammember (user_id, team_id);

CREATE SEQUENCE quay.teammemberinvite_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.teammemberinvite (
    id           bigint NOT NULL DEFAULT nextval('quay.teammemberinvite_id_seq'),
    user_id      bigint,
    email        varchar(255) COLLATE "C",
    team_id      bigint NOT NULL,
    inviter_id   bigint NOT NULL,
    invite_token varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_teammemberinvite PRIMARY KEY (id),
    CONSTRAINT teammemberinvite_one_invitee CHECK (num_nonnulls(user_id, email) = 1),
    CONSTRAINT fk_teammemberinvite_inviter_id_user FOREIGN KEY (inviter_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_teammemberinvite_team_id_team FOREIGN KEY (team_id) REFERENCES quay.team (id),
    CONSTRAINT fk_teammemberinvite_user_id_user FOREIGN KEY (user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.teammemberinvite_id_seq OWNED BY quay.teammemberinvite.id;
CREATE INDEX teammemberinvite_email ON quay.teammemberinvite (email);
CREATE UNIQUE INDEX teammemberinvite_invite_token ON quay.teammemberinvite (invite_token);
CREATE INDEX teammemberinvite_inviter_id ON quay.teammemberinvite (inviter_id);
CREATE INDEX teammemberinvite_team_id ON quay.teammemberinvite (team_id);
CREATE INDEX teammemberinvite_user_id ON quay.teammemberinvite (user_id);

CREATE SEQUENCE quay.teamsync_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.teamsync (
    id             bigint NOT NULL DEFAULT nextval('quay.teamsync_id_seq'),
    team_id        bigint NOT NULL,
    transaction_id varchar(255) COLLATE "C" NOT NULL,
    last_updated   timestamp,
    service_id     bigint NOT NULL,
    config         text NOT NULL,
    CONSTRAINT pk_teamsync PRIMARY KEY (id),
    CONSTRAINT fk_teamsync_service_id_loginservice FOREIGN KEY (service_id) REFERENCES quay.loginservice (id),
    CONSTRAINT fk_teamsync_team_id_team FOREIGN KEY (team_id) REFERENCES quay.team (id)
);
ALTER SEQUENCE quay.teamsync_id_seq OWNED BY quay.teamsync.id;
CREATE INDEX teamsync_last_updated ON quay.teamsync (last_updated);
CREATE INDEX teamsync_service_id ON quay.teamsync (service_id);
CREATE UNIQUE INDEX teamsync_team_id ON quay.teamsync (team_id);
