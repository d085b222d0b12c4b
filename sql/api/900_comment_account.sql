-- What the tables of accounts, permissions, repositories and credentials hold (schema/010 to 050): text for \d+ and for doc/.
-- `timestamp` columns hold UTC. An encrypted secret is text v0$$<base64>, written and read by the functions of 020_secret.sql.

-- Names that other rows point to

COMMENT ON TABLE quay.accesstokenkind IS 'Enumeration: what a per-repository access token was made for. Look rows up by name, ids differ between installations.';
COMMENT ON COLUMN quay.accesstokenkind.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.accesstokenkind.name IS 'Unique. Seeded: build-worker (token of one build), pushpull-token.';

COMMENT ON TABLE quay.buildtriggerservice IS 'Enumeration: source hosting services that can start a build.';
COMMENT ON COLUMN quay.buildtriggerservice.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.buildtriggerservice.name IS 'Unique. Seeded: github, gitlab, bitbucket, custom-git.';

COMMENT ON TABLE quay.disablereason IS 'Enumeration: why a build trigger was switched off.';
COMMENT ON COLUMN quay.disablereason.id IS 'Primary key. The reference seeds the same three ids everywhere.';
COMMENT ON COLUMN quay.disablereason.name IS 'Unique. Seeded: user_toggled, successive_build_failures, successive_build_internal_errors.';

COMMENT ON TABLE quay.externalnotificationevent IS 'Enumeration: events that a repository or namespace notification can subscribe to.';
COMMENT ON COLUMN quay.externalnotificationevent.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.externalnotificationevent.name IS 'Unique. Seeded: repo_push, build_*, vulnerability_found, repo_mirror_sync_*, repo_image_expiry, quota_warning, quota_error.';

COMMENT ON TABLE quay.externalnotificationmethod IS 'Enumeration: channels over which a subscribed event is delivered.';
COMMENT ON COLUMN quay.externalnotificationmethod.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.externalnotificationmethod.name IS 'Unique. Seeded: email, flowdock, hipchat, quay_notification (in the application), slack, webhook.';

COMMENT ON TABLE quay.imagestoragelocation IS 'Enumeration: object storage engines that can hold blob bytes. The front end adds one row per storage engine it is configured with.';
COMMENT ON COLUMN quay.imagestoragelocation.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.imagestoragelocation.name IS 'Unique name of the engine as in the front end''s configuration, such as local or s3_us_east_1.';

COMMENT ON TABLE quay.imagestoragesignaturekind IS 'Legacy enumeration: kinds of detached layer signatures. No live writer.';
COMMENT ON COLUMN quay.imagestoragesignaturekind.id IS 'Primary key.';
COMMENT ON COLUMN quay.imagestoragesignaturekind.name IS 'Unique. Seeded: gpg2.';

COMMENT ON TABLE quay.imagestoragetransformation IS 'Legacy enumeration: formats into which an image could be converted, for derivedstorageforimage. No live writer.';
COMMENT ON COLUMN quay.imagestoragetransformation.id IS 'Primary key.';
COMMENT ON COLUMN quay.imagestoragetransformation.name IS 'Unique. Seeded: squash, aci.';

COMMENT ON TABLE quay.labelsourcetype IS 'Enumeration: where a label came from, and with it whether the label may be deleted.';
COMMENT ON COLUMN quay.labelsourcetype.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.labelsourcetype.name IS 'Unique. Seeded: manifest (read from config or annotations at push), api (set by a client), internal.';
COMMENT ON COLUMN quay.labelsourcetype.mutable IS 'True: labels of this source may be deleted through the API. Seeded true only for api.';

COMMENT ON TABLE quay.logentrykind IS 'Enumeration: actions that the audit log knows, 146 seeded. Rows of logentry3 carry these ids without a foreign key.';
COMMENT ON COLUMN quay.logentrykind.id IS 'Primary key. Ids never change; a name seeded here keeps the id that a migrated reference database gives it.';
COMMENT ON COLUMN quay.logentrykind.name IS 'Unique action name, such as push_repo, create_robot or login_failure.';

COMMENT ON TABLE quay.loginservice IS 'Enumeration: identity providers that accounts can be linked to. Providers unknown so far are added when a login is first linked.';
COMMENT ON COLUMN quay.loginservice.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.loginservice.name IS 'Unique. Seeded: github, quayrobot (every robot''s own link), ldap, google, keystone, dex, jwtauthn, oidc.';

COMMENT ON TABLE quay.mediatype IS 'Enumeration: media types of manifests, labels and global messages. application/vnd.cnr.* belong to the retired application registry.';
COMMENT ON COLUMN quay.mediatype.id IS 'Primary key. 1 is text/plain, the default of messages; other ids differ between installations, so go by name.';
COMMENT ON COLUMN quay.mediatype.name IS 'Unique media type, such as application/vnd.oci.image.manifest.v1+json.';

COMMENT ON TABLE quay.notificationkind IS 'Enumeration: kinds of notifications shown inside the application. Delivery by quay_notification needs a row named like the event.';
COMMENT ON COLUMN quay.notificationkind.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.notificationkind.name IS 'Unique, such as repo_push, org_team_invite, quota_error or assigned_authorization.';

COMMENT ON TABLE quay.quotatype IS 'Enumeration: what happens when usage reaches a quota limit. Names are not unique by constraint.';
COMMENT ON COLUMN quay.quotatype.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.quotatype.name IS 'Seeded: Warning (notify), Reject (notify, and refuse uploads and pushes).';

COMMENT ON TABLE quay.repositorykind IS 'Enumeration: what a repository holds.';
COMMENT ON COLUMN quay.repositorykind.id IS 'Primary key. 1 is the default of repository.kind_id.';
COMMENT ON COLUMN quay.repositorykind.name IS 'Unique. Seeded: image, application (retired application registry).';

COMMENT ON TABLE quay.role IS 'Enumeration: what a grant allows on a repository; admin includes write, write includes read.';
COMMENT ON COLUMN quay.role.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.role.name IS 'Unique. Seeded: admin, write, read.';

COMMENT ON TABLE quay.tagkind IS 'Enumeration: kinds of tags of image repositories.';
COMMENT ON COLUMN quay.tagkind.id IS 'Primary key.';
COMMENT ON COLUMN quay.tagkind.name IS 'Unique. Seeded: tag, the only kind in use.';

COMMENT ON TABLE quay.teamrole IS 'Enumeration: what membership of a team allows in the organization as a whole. Names are indexed, not unique.';
COMMENT ON COLUMN quay.teamrole.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.teamrole.name IS 'Seeded: admin (administers the organization), creator (may create repositories), member (only what permissions grant).';

COMMENT ON TABLE quay.userpromptkind IS 'Enumeration: questions that a user is asked at the next sign-in. Names are indexed, not unique.';
COMMENT ON COLUMN quay.userpromptkind.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.userpromptkind.name IS 'Seeded: confirm_username, enter_name, enter_company.';

COMMENT ON TABLE quay.visibility IS 'Enumeration: who may pull from a repository without a grant.';
COMMENT ON COLUMN quay.visibility.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.visibility.name IS 'Unique. Seeded: public (everybody, anonymous clients too), private.';
-- Namespaces and identities

COMMENT ON TABLE quay."user" IS 'Accounts of all three kinds: people, organizations and robots. People and organizations are the namespaces that own repositories.';
COMMENT ON COLUMN quay."user".id IS 'Primary key. A robot''s id also stands in its federated login, as robot:<id>.';
COMMENT ON COLUMN quay."user".uuid IS 'Session identity (UUID v4): signed sessions name it, and a new value ends them all. Unique. NULL only in old rows.';
COMMENT ON COLUMN quay."user".username IS 'Unique login and namespace name; robots are <namespace>+<short name>. A random UUID while the namespace is being deleted.';
COMMENT ON COLUMN quay."user".password_hash IS 'Secret at rest: bcrypt, cost 12, $2b$, of the first 72 bytes. NULL: no password (robots, organizations, external logins).';
COMMENT ON COLUMN quay."user".email IS 'Mail address, compared with case; unique among people and robots only. Robots, and accounts without one, hold a random placeholder.';
COMMENT ON COLUMN quay."user".verified IS 'The mail address was confirmed. Needed to sign in to a session, not to use a password at the registry API.';
COMMENT ON COLUMN quay."user".stripe_id IS 'Customer id at the billing provider. NULL: not a paying customer.';
COMMENT ON COLUMN quay."user".organization IS 'True: an organization, which has teams and never signs in. Exclusive with robot.';
COMMENT ON COLUMN quay."user".robot IS 'True: a robot, owned by the namespace before the + in its name. Exclusive with organization.';
COMMENT ON COLUMN quay."user".invoice_email IS 'Send invoices by mail, to invoice_email_address if that is set.';
COMMENT ON COLUMN quay."user".invalid_login_attempts IS 'Failed passwords n since the last success; the next attempt is refused for 0.5 * (2^n - 1) seconds. authenticate() keeps it.';
COMMENT ON COLUMN quay."user".last_invalid_login IS 'UTC time of the last failed password, start of the lock-out above. Creation time if there was none.';
COMMENT ON COLUMN quay."user".removed_tag_expiration_s IS 'Time machine window of the namespace in seconds: dead tags can be restored that long, then gc_run() collects them.';
COMMENT ON COLUMN quay."user".enabled IS 'False: barred from signing in, robots of the namespace included. Deletion of a namespace starts by clearing it.';
COMMENT ON COLUMN quay."user".invoice_email_address IS 'Where invoices go instead of email. NULL: to email.';
COMMENT ON COLUMN quay."user".company IS 'Employer as the user states it. NULL: not stated.';
COMMENT ON COLUMN quay."user".family_name IS 'Family name as the user states it. NULL: not stated.';
COMMENT ON COLUMN quay."user".given_name IS 'Given name as the user states it. NULL: not stated.';
COMMENT ON COLUMN quay."user".location IS 'Place as the user states it, free text. NULL: not stated.';
COMMENT ON COLUMN quay."user".maximum_queued_builds_count IS 'Most builds of the namespace that may wait or run at one time. NULL: no limit.';
COMMENT ON COLUMN quay."user".creation_date IS 'UTC time of creation. NULL: before this was recorded.';
COMMENT ON COLUMN quay."user".last_accessed IS 'UTC time of the last use of a credential, written at most once per threshold. NULL: never, or before this was recorded.';

COMMENT ON TABLE quay.allowed_robot IS 'Robots that may log in although quay.robots_disallow is on (ROBOTS_WHITELIST of the reference).';
COMMENT ON COLUMN quay.allowed_robot.username IS 'Full name of the robot, namespace+shortname. It need not exist.';

COMMENT ON TABLE quay.blocked_email_domain IS 'Domains from whose addresses nobody may sign up (BLACKLISTED_EMAIL_DOMAINS of the reference).';
COMMENT ON COLUMN quay.blocked_email_domain.domain IS 'Domain in lower case. Its subdomains are blocked too.';

COMMENT ON TABLE quay.deletion_grace_namespace IS 'Namespaces that are kept for quay.namespace_gc_grace_period after their deletion (NAMESPACE_GC_GRACE_PERIOD_ALLOWLIST of the reference).';
COMMENT ON COLUMN quay.deletion_grace_namespace.username IS 'Name of the namespace. It need not exist.';

COMMENT ON TABLE quay.public_namespace IS 'Namespaces that every user is shown (PUBLIC_NAMESPACES of the reference).';
COMMENT ON COLUMN quay.public_namespace.username IS 'Name of the namespace. It need not exist.';

COMMENT ON TABLE quay.unrestricted_user IS 'People who may write into their own namespaces although quay.restricted_users is on (RESTRICTED_USERS_WHITELIST of the reference).';
COMMENT ON COLUMN quay.unrestricted_user.username IS 'Name of the person. It need not exist.';

COMMENT ON TABLE quay.superuser IS 'Who administers the registry as a whole, by name. access_check() looks here only after every other rule said no.';
COMMENT ON COLUMN quay.superuser.username IS 'Primary key. Exact, case-sensitive username; an account of that name need not exist yet.';
COMMENT ON COLUMN quay.superuser.kind IS 'superuser (administers accounts; all repositories too under full access) or readonly (sees everything, changes nothing).';

COMMENT ON TABLE quay.federatedlogin IS 'Links of an account to an identity at a login service. Every robot has exactly one, to service quayrobot.';
COMMENT ON COLUMN quay.federatedlogin.id IS 'Primary key.';
COMMENT ON COLUMN quay.federatedlogin.user_id IS 'Account that the outside identity signs in to; at most one link per service.';
COMMENT ON COLUMN quay.federatedlogin.service_id IS 'Login service that vouches for the identity.';
COMMENT ON COLUMN quay.federatedlogin.service_ident IS 'Subject at the service, unique there. Robots: robot:<user id>, rewritten when the token is regenerated.';
COMMENT ON COLUMN quay.federatedlogin.metadata_json IS 'JSON object: service_username of people; federation_config of robots, an array of {issuer, subject, audiences}.';

COMMENT ON TABLE quay.deletednamespace IS 'Markers of namespaces on their way out: the row in "user" is disabled and renamed, a queue item will purge it.';
COMMENT ON COLUMN quay.deletednamespace.id IS 'Primary key; the queue item names it as marker_id.';
COMMENT ON COLUMN quay.deletednamespace.namespace_id IS 'Account being deleted. Unique, so that only one deletion runs.';
COMMENT ON COLUMN quay.deletednamespace.marked IS 'UTC time of the request.';
COMMENT ON COLUMN quay.deletednamespace.original_username IS 'Name before deletion. Nobody can take it until the purge is done.';
COMMENT ON COLUMN quay.deletednamespace.original_email IS 'Mail address before deletion.';
COMMENT ON COLUMN quay.deletednamespace.queue_id IS 'Id of the queue item, queueitem.id as text. NULL: not enqueued yet.';

COMMENT ON TABLE quay.emailconfirmation IS 'Codes that were mailed to confirm an address, change it, or reset a password. A row goes when its code is used.';
COMMENT ON COLUMN quay.emailconfirmation.id IS 'Primary key.';
COMMENT ON COLUMN quay.emailconfirmation.code IS 'Public part of the mailed code, 16 random characters, in clear; the mail holds base64 of code:private part.';
COMMENT ON COLUMN quay.emailconfirmation.user_id IS 'Account the mail was sent to.';
COMMENT ON COLUMN quay.emailconfirmation.pw_reset IS 'True: the code allows a new password, for a limited time (30 minutes in the reference).';
COMMENT ON COLUMN quay.emailconfirmation.new_email IS 'Address that takes effect on confirmation. NULL: confirms the present one.';
COMMENT ON COLUMN quay.emailconfirmation.email_confirm IS 'True: the code confirms an address. The reference lets such codes live for ever.';
COMMENT ON COLUMN quay.emailconfirmation.created IS 'UTC time of sending; the lifetime of a reset code counts from here.';
COMMENT ON COLUMN quay.emailconfirmation.verification_code IS 'Secret at rest: bcrypt hash of the private part. NULL: legacy row without private part.';

COMMENT ON TABLE quay.userprompt IS 'Questions still open for a user, removed once answered.';
COMMENT ON COLUMN quay.userprompt.id IS 'Primary key.';
COMMENT ON COLUMN quay.userprompt.user_id IS 'User who will be asked.';
COMMENT ON COLUMN quay.userprompt.kind_id IS 'What will be asked; at most once per user.';

COMMENT ON TABLE quay.userregion IS 'Storage locations to which blobs pushed into a namespace are replicated beside the default ones.';
COMMENT ON COLUMN quay.userregion.id IS 'Primary key.';
COMMENT ON COLUMN quay.userregion.user_id IS 'Namespace whose blobs are replicated.';
COMMENT ON COLUMN quay.userregion.location_id IS 'Additional location that should hold a copy.';

COMMENT ON TABLE quay.robotaccountmetadata IS 'What the owner notes about a robot; one row per robot at most, missing means empty.';
COMMENT ON COLUMN quay.robotaccountmetadata.id IS 'Primary key.';
COMMENT ON COLUMN quay.robotaccountmetadata.robot_account_id IS 'Robot described.';
COMMENT ON COLUMN quay.robotaccountmetadata.description IS 'Free text for people, at most 255 characters, may be empty.';
COMMENT ON COLUMN quay.robotaccountmetadata.unstructured_json IS 'JSON object for the owner''s own use, never interpreted.';

COMMENT ON TABLE quay.robotaccounttoken IS 'Passwords of robots; one row per robot. They can be read back, so they are encrypted, not hashed.';
COMMENT ON COLUMN quay.robotaccounttoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.robotaccounttoken.robot_account_id IS 'Robot that signs in with it.';
COMMENT ON COLUMN quay.robotaccounttoken.token IS 'Secret, encrypted (v0$$...): 64 characters A-Z0-9. Encryption is randomized: never search by this column.';
COMMENT ON COLUMN quay.robotaccounttoken.fully_migrated IS 'Legacy: the token was moved from plain text to the encrypted column. Nothing reads it.';

COMMENT ON TABLE quay.organizationcontactemail IS 'Unused. Once the contact addresses of organizations, which are back in "user".email; kept for the reference application.';
COMMENT ON COLUMN quay.organizationcontactemail.id IS 'Primary key.';
COMMENT ON COLUMN quay.organizationcontactemail.organization_id IS 'Organization contacted; at most one row each.';
COMMENT ON COLUMN quay.organizationcontactemail.contact_email IS 'Address. NULL: none.';

COMMENT ON TABLE quay.redhatsubscriptions IS 'Customer accounts at Red Hat to which a user''s subscriptions belong. Only the hosted service fills it.';
COMMENT ON COLUMN quay.redhatsubscriptions.id IS 'Primary key.';
COMMENT ON COLUMN quay.redhatsubscriptions.user_id IS 'User who owns the subscriptions; several rows are possible.';
COMMENT ON COLUMN quay.redhatsubscriptions.account_number IS 'Customer number at Red Hat. Not unique by constraint.';

COMMENT ON TABLE quay.organizationrhskus IS 'Red Hat subscriptions that pay for an organization''s private repositories. Only the hosted service fills it.';
COMMENT ON COLUMN quay.organizationrhskus.id IS 'Primary key.';
COMMENT ON COLUMN quay.organizationrhskus.subscription_id IS 'Number of the subscription in the vendor''s system, no row here. Unique per organization.';
COMMENT ON COLUMN quay.organizationrhskus.org_id IS 'Organization that benefits.';
COMMENT ON COLUMN quay.organizationrhskus.user_id IS 'User who bound it; a binding ends when that user leaves a team of the organization.';
COMMENT ON COLUMN quay.organizationrhskus.quantity IS 'How many units of the subscription are bound, 1 unless stated. NULL: not recorded.';
-- Teams

COMMENT ON TABLE quay.team IS 'Groups of people and robots in an organization. A new organization starts with team owners, role admin.';
COMMENT ON COLUMN quay.team.id IS 'Primary key.';
COMMENT ON COLUMN quay.team.name IS 'Unique within the organization; same alphabet as usernames.';
COMMENT ON COLUMN quay.team.organization_id IS 'Organization the team belongs to.';
COMMENT ON COLUMN quay.team.role_id IS 'What members may do in the organization; rights on repositories are in repositorypermission.';
COMMENT ON COLUMN quay.team.description IS 'Free text (Markdown in the front end), may be empty.';

COMMENT ON TABLE quay.teammember IS 'Who is in which team. Robots may join teams of their own organization.';
COMMENT ON COLUMN quay.teammember.id IS 'Primary key.';
COMMENT ON COLUMN quay.teammember.user_id IS 'Member, a person or a robot, never an organization.';
COMMENT ON COLUMN quay.teammember.team_id IS 'Team joined; a member is in it once.';

COMMENT ON TABLE quay.teammemberinvite IS 'Invitations to a team that nobody answered yet. Exactly one of user_id and email is meant to be set.';
COMMENT ON COLUMN quay.teammemberinvite.id IS 'Primary key.';
COMMENT ON COLUMN quay.teammemberinvite.user_id IS 'Invited account. NULL: invited by mail address.';
COMMENT ON COLUMN quay.teammemberinvite.email IS 'Invited address; any account that has confirmed it may accept. NULL: a known account was invited.';
COMMENT ON COLUMN quay.teammemberinvite.team_id IS 'Team to join.';
COMMENT ON COLUMN quay.teammemberinvite.inviter_id IS 'Who sent the invitation.';
COMMENT ON COLUMN quay.teammemberinvite.invite_token IS 'Secret in clear, urn:teaminvite:<UUID>: whoever is the addressee and shows it joins the team.';

COMMENT ON TABLE quay.teamsync IS 'Teams whose people follow a group of an external directory. Members are then changed only by the synchronization, robots excepted.';
COMMENT ON COLUMN quay.teamsync.id IS 'Primary key.';
COMMENT ON COLUMN quay.teamsync.team_id IS 'Team kept in step; at most one source each.';
COMMENT ON COLUMN quay.teamsync.transaction_id IS 'Random UUID, new at every run; compare-and-set on it decides which worker may remove members. Empty: never ran.';
COMMENT ON COLUMN quay.teamsync.last_updated IS 'UTC time of the last run. NULL: never ran, so due at once.';
COMMENT ON COLUMN quay.teamsync.service_id IS 'Directory that holds the group: ldap, keystone or oidc.';
COMMENT ON COLUMN quay.teamsync.config IS 'Which group, encoded as JSON twice: a JSON string that holds an object such as {"group_dn": ...} or {"group_name": ...}.';
-- Repositories and grants

COMMENT ON TABLE quay.repository IS 'Repositories. Their names are unique per namespace; everything pushed hangs below one of them.';
COMMENT ON COLUMN quay.repository.id IS 'Primary key; leads the keys of all content tables.';
COMMENT ON COLUMN quay.repository.namespace_user_id IS 'Namespace that owns the repository, a person or an organization. NULL: orphan that no path names.';
COMMENT ON COLUMN quay.repository.name IS 'Path below the namespace, may contain /. A random UUID while the repository is being deleted.';
COMMENT ON COLUMN quay.repository.visibility_id IS 'Whether everybody may pull.';
COMMENT ON COLUMN quay.repository.description IS 'Free text in Markdown, searched along with the name. NULL: none.';
COMMENT ON COLUMN quay.repository.badge_token IS 'Random UUID in clear; a build status badge of a private repository is served to those who know it.';
COMMENT ON COLUMN quay.repository.kind_id IS 'image, or application for leftovers of the retired application registry.';
COMMENT ON COLUMN quay.repository.trust_enabled IS 'Content trust (Docker Notary) was switched on. Stored and shown; nothing here signs or checks.';
COMMENT ON COLUMN quay.repository.state IS '0 normal, 1 read-only, 2 mirror, 3 marked for deletion (invisible), 4 member of an organization mirror. 2 and 4: only the mirror''s robot pushes.';

COMMENT ON TABLE quay.deletedrepository IS 'Markers of repositories on their way out: renamed, in state 3, a queue item will purge them.';
COMMENT ON COLUMN quay.deletedrepository.id IS 'Primary key; the queue item names it as marker_id.';
COMMENT ON COLUMN quay.deletedrepository.repository_id IS 'Repository being deleted. Unique, so that only one deletion runs.';
COMMENT ON COLUMN quay.deletedrepository.marked IS 'UTC time of the request.';
COMMENT ON COLUMN quay.deletedrepository.original_name IS 'Name before deletion, free for a new repository at once.';
COMMENT ON COLUMN quay.deletedrepository.queue_id IS 'Id of the queue item, queueitem.id as text. NULL: not enqueued yet.';

COMMENT ON TABLE quay.repositorypermission IS 'Grants on a repository, to a team or to an account. The owning person and admin teams of the organization need none.';
COMMENT ON COLUMN quay.repositorypermission.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorypermission.team_id IS 'Team that is granted the role. NULL: the grant is to user_id.';
COMMENT ON COLUMN quay.repositorypermission.user_id IS 'Person or robot that is granted the role. NULL: the grant is to team_id.';
COMMENT ON COLUMN quay.repositorypermission.repository_id IS 'Repository opened up; at most one row per grantee.';
COMMENT ON COLUMN quay.repositorypermission.role_id IS 'admin, write or read. access_check() takes the highest of all grants that apply.';

COMMENT ON TABLE quay.permissionprototype IS 'Default permissions of an organization: grants that repository_create() copies to a new repository.';
COMMENT ON COLUMN quay.permissionprototype.id IS 'Primary key.';
COMMENT ON COLUMN quay.permissionprototype.org_id IS 'Organization in whose new repositories the grant is made.';
COMMENT ON COLUMN quay.permissionprototype.uuid IS 'Public handle (UUID v4) in the API. Unique.';
COMMENT ON COLUMN quay.permissionprototype.activating_user_id IS 'Applies only to repositories created by this user, and then goes before general ones. NULL: whoever creates.';
COMMENT ON COLUMN quay.permissionprototype.delegate_user_id IS 'Person or robot that gets the role. NULL: a team does.';
COMMENT ON COLUMN quay.permissionprototype.delegate_team_id IS 'Team that gets the role. NULL: an account does.';
COMMENT ON COLUMN quay.permissionprototype.role_id IS 'Role granted: admin, write or read.';

COMMENT ON TABLE quay.star IS 'Repositories that users marked as favourites. Deleting a repository removes its stars at once.';
COMMENT ON COLUMN quay.star.id IS 'Primary key.';
COMMENT ON COLUMN quay.star.user_id IS 'User whose list shows the repository.';
COMMENT ON COLUMN quay.star.repository_id IS 'Repository starred; once per user.';
COMMENT ON COLUMN quay.star.created IS 'UTC time of starring.';

COMMENT ON TABLE quay.repositoryauthorizedemail IS 'Mail addresses that agreed to get notifications of a repository; others are refused as targets.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.repository_id IS 'Repository that may send mail.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.email IS 'Address; once per repository.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.code IS 'Secret in clear, 16 random characters, mailed to the address to confirm it. Unique.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.confirmed IS 'True: the code came back and mail may be sent.';

COMMENT ON TABLE quay.repositoryactioncount IS 'Audit log entries per repository and day, the raw material of the search score. Rows older than a year are pruned.';
COMMENT ON COLUMN quay.repositoryactioncount.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositoryactioncount.repository_id IS 'Repository counted.';
COMMENT ON COLUMN quay.repositoryactioncount.count IS 'Number of log entries that day.';
COMMENT ON COLUMN quay.repositoryactioncount.date IS 'UTC day; once per repository.';

COMMENT ON TABLE quay.repositorysearchscore IS 'Popularity of repositories, recomputed nightly; orders search results.';
COMMENT ON COLUMN quay.repositorysearchscore.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorysearchscore.repository_id IS 'Repository scored; one row each.';
COMMENT ON COLUMN quay.repositorysearchscore.score IS '100 times the weighted sum of mean daily actions aged up to 1, 7, 31 and 183 days, rounded down. 0: none.';
COMMENT ON COLUMN quay.repositorysearchscore.last_updated IS 'UTC time of the computation. NULL: never computed.';
-- Credentials

COMMENT ON TABLE quay.accesstoken IS 'Legacy tokens for one repository (user $token), now made for builds. authenticate() takes name followed by code.';
COMMENT ON COLUMN quay.accesstoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.accesstoken.friendly_name IS 'Label for people. NULL: none.';
COMMENT ON COLUMN quay.accesstoken.repository_id IS 'The only repository the token opens.';
COMMENT ON COLUMN quay.accesstoken.created IS 'UTC time of creation. Tokens never expire by time.';
COMMENT ON COLUMN quay.accesstoken.role_id IS 'Role on that repository: admin, write or read.';
COMMENT ON COLUMN quay.accesstoken.temporary IS 'True: made for one build, may be removed later. False: delegate token, lives until deleted.';
COMMENT ON COLUMN quay.accesstoken.kind_id IS 'Purpose. NULL: not stated.';
COMMENT ON COLUMN quay.accesstoken.token_code IS 'Secret, encrypted (v0$$...): second half of the token, 32 characters A-Z0-9.';
COMMENT ON COLUMN quay.accesstoken.token_name IS 'First half of the token, 32 characters in clear, unique: finds the row.';

COMMENT ON TABLE quay.oauthapplication IS 'OAuth 2 applications that organizations register. A bootstrap application may belong to a person.';
COMMENT ON COLUMN quay.oauthapplication.id IS 'Primary key.';
COMMENT ON COLUMN quay.oauthapplication.client_id IS 'Public OAuth client id, 20 random characters unless given. Unique.';
COMMENT ON COLUMN quay.oauthapplication.redirect_uri IS 'Where tokens and codes may be sent; empty: nowhere but the registry''s own page.';
COMMENT ON COLUMN quay.oauthapplication.application_uri IS 'Home page shown on the consent page, may be empty.';
COMMENT ON COLUMN quay.oauthapplication.organization_id IS 'Namespace whose admins manage the application.';
COMMENT ON COLUMN quay.oauthapplication.name IS 'Shown on the consent page. __quay_bootstrap_app is reserved.';
COMMENT ON COLUMN quay.oauthapplication.description IS 'Free text, may be empty.';
COMMENT ON COLUMN quay.oauthapplication.gravatar_email IS 'Address whose avatar is shown. NULL: none.';
COMMENT ON COLUMN quay.oauthapplication.secure_client_secret IS 'Secret, encrypted (v0$$...): OAuth client secret, 40 characters. NULL: none, so the code flow is closed.';
COMMENT ON COLUMN quay.oauthapplication.fully_migrated IS 'Legacy: the client secret was moved from plain text to the encrypted column. Nothing reads it.';

COMMENT ON TABLE quay.oauthauthorizationcode IS 'Authorization codes that wait to be exchanged for a token. Used once, then deleted; good for quay.oauth_authorization_code_lifetime.';
COMMENT ON COLUMN quay.oauthauthorizationcode.id IS 'Primary key.';
COMMENT ON COLUMN quay.oauthauthorizationcode.application_id IS 'Application the code was issued to.';
COMMENT ON COLUMN quay.oauthauthorizationcode.scope IS 'Scopes granted, space-separated; the exchange must present the same text.';
COMMENT ON COLUMN quay.oauthauthorizationcode.data IS 'JSON object with the username who consented.';
COMMENT ON COLUMN quay.oauthauthorizationcode.code_credential IS 'Secret at rest: bcrypt hash of the code after its first 20 characters.';
COMMENT ON COLUMN quay.oauthauthorizationcode.code_name IS 'First 20 characters of the code in clear, unique: finds the row.';
COMMENT ON COLUMN quay.oauthauthorizationcode.created IS 'When the code was made (UTC). NULL counts as expired.';
COMMENT ON COLUMN quay.oauthauthorizationcode.redirect_uri IS 'Redirect URI of the request, which the exchange has to repeat (RFC 6749, 4.1.3). NULL: any of the application.';

COMMENT ON TABLE quay.oauthaccesstoken IS 'OAuth bearer tokens (user $oauthtoken at the registry API), each acting for one user within its scopes.';
COMMENT ON COLUMN quay.oauthaccesstoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.oauthaccesstoken.uuid IS 'Public handle (UUID v4) for listing and revoking. Unique.';
COMMENT ON COLUMN quay.oauthaccesstoken.application_id IS 'Application that holds the token.';
COMMENT ON COLUMN quay.oauthaccesstoken.authorized_user_id IS 'User on whose behalf the token acts.';
COMMENT ON COLUMN quay.oauthaccesstoken.scope IS 'Scopes granted, space-separated, such as repo:read user:admin. One unknown piece voids all of them.';
COMMENT ON COLUMN quay.oauthaccesstoken.token_type IS 'Bearer, or token for API tokens minted in the user interface.';
COMMENT ON COLUMN quay.oauthaccesstoken.expires_at IS 'UTC time from which authenticate() refuses the token.';
COMMENT ON COLUMN quay.oauthaccesstoken.data IS 'JSON object with the username; bootstrap tokens also carry kind, owner and application_name. Empty possible.';
COMMENT ON COLUMN quay.oauthaccesstoken.token_code IS 'Secret at rest: bcrypt hash of the token after its first 20 characters.';
COMMENT ON COLUMN quay.oauthaccesstoken.token_name IS 'First 20 characters of the token in clear, unique: finds the row.';
COMMENT ON COLUMN quay.oauthaccesstoken.last_accessed IS 'UTC time of the last use, written at most once per threshold. NULL: never used.';
COMMENT ON COLUMN quay.oauthaccesstoken.created IS 'UTC time of issue. NULL: before this was recorded.';
COMMENT ON COLUMN quay.oauthaccesstoken.display_name IS 'Label the user gave, 1 to 255 characters, not unique. NULL: none.';
COMMENT ON COLUMN quay.oauthaccesstoken.token_digest IS 'Keyed SHA-256 of the whole token in hexadecimal, which spares the slow bcrypt. NULL until the token is used for the first time.';

COMMENT ON TABLE quay.oauthassignedtoken IS 'OAuth tokens that an organization admin offers to another user, who has not yet fetched them; consumed on approval.';
COMMENT ON COLUMN quay.oauthassignedtoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.oauthassignedtoken.uuid IS 'Public handle (UUID v4), unique, named in the link the user follows.';
COMMENT ON COLUMN quay.oauthassignedtoken.assigned_user_id IS 'User who may approve and then holds the token.';
COMMENT ON COLUMN quay.oauthassignedtoken.application_id IS 'Application that will hold the token.';
COMMENT ON COLUMN quay.oauthassignedtoken.redirect_uri IS 'Where the token goes. NULL: the application''s own.';
COMMENT ON COLUMN quay.oauthassignedtoken.scope IS 'Scopes offered, space-separated.';
COMMENT ON COLUMN quay.oauthassignedtoken.response_type IS 'OAuth response type, token. NULL: token.';

COMMENT ON TABLE quay.appspecificauthtoken IS 'Application passwords (user $app) that a user makes for clients such as docker; each has all the user''s rights.';
COMMENT ON COLUMN quay.appspecificauthtoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.appspecificauthtoken.user_id IS 'User the token signs in as.';
COMMENT ON COLUMN quay.appspecificauthtoken.uuid IS 'Public handle (UUID v4) for listing and revoking. Unique.';
COMMENT ON COLUMN quay.appspecificauthtoken.title IS 'Label for people.';
COMMENT ON COLUMN quay.appspecificauthtoken.created IS 'UTC time of creation.';
COMMENT ON COLUMN quay.appspecificauthtoken.expiration IS 'UTC time from which the token is refused; removed some time later. NULL: never expires.';
COMMENT ON COLUMN quay.appspecificauthtoken.last_accessed IS 'UTC time of the last use, written at most once per threshold. NULL: never used.';
COMMENT ON COLUMN quay.appspecificauthtoken.token_name IS 'First 60 characters of the token in clear, unique: finds the row.';
COMMENT ON COLUMN quay.appspecificauthtoken.token_secret IS 'Secret, encrypted (v0$$...): the remaining 60 characters, A-Z0-9.';

COMMENT ON TABLE quay.servicekeyapproval IS 'Approvals of service keys. A rotated key inherits the approval of its predecessor.';
COMMENT ON COLUMN quay.servicekeyapproval.id IS 'Primary key.';
COMMENT ON COLUMN quay.servicekeyapproval.approver_id IS 'Superuser who approved, "user".id without foreign key. NULL: approved automatically, or the account is gone.';
COMMENT ON COLUMN quay.servicekeyapproval.approval_type IS 'Literally ServiceKeyApprovalType.SUPERUSER, .KEY_ROTATION or .AUTOMATIC, prefix included.';
COMMENT ON COLUMN quay.servicekeyapproval.approved_date IS 'UTC time of approval.';
COMMENT ON COLUMN quay.servicekeyapproval.notes IS 'Free text of the approver, may be empty.';

COMMENT ON TABLE quay.servicekey IS 'Public keys with which services sign tokens that the registry accepts. Private keys are never stored.';
COMMENT ON COLUMN quay.servicekey.id IS 'Primary key.';
COMMENT ON COLUMN quay.servicekey.name IS 'Label for people, may be empty.';
COMMENT ON COLUMN quay.servicekey.kid IS 'Key id in the header of signed tokens, unique; an RFC 7638 thumbprint unless given.';
COMMENT ON COLUMN quay.servicekey.service IS 'Service that signs with the key, [a-z0-9_]+; the registry''s own instances use quay.';
COMMENT ON COLUMN quay.servicekey.jwk IS 'Public key as a JSON Web Key, JSON object. Not secret.';
COMMENT ON COLUMN quay.servicekey.metadata IS 'JSON object of the service''s own remarks; merged on rotation.';
COMMENT ON COLUMN quay.servicekey.created_date IS 'UTC time of creation; keys left unapproved for a day are removed.';
COMMENT ON COLUMN quay.servicekey.expiration_date IS 'UTC time from which signatures are refused; the row stays about a week longer. NULL: never expires.';
COMMENT ON COLUMN quay.servicekey.rotation_duration IS 'Seconds between rotations as announced by the service. Nothing acts on it. NULL: not announced.';
COMMENT ON COLUMN quay.servicekey.approval_id IS 'Approval that makes the key valid. NULL: still waiting, signatures are refused.';

COMMENT ON TABLE quay_internal.rights_change IS 'Always empty. A change of what decides about access invalidates it, and sessions forget what they remember.';
COMMENT ON TABLE quay_internal.secret_rotation IS 'How far quay.secret_rotate() has got in each encrypted column.';
COMMENT ON COLUMN quay_internal.secret_rotation.table_name IS 'Table of the column, in schema quay.';
COMMENT ON COLUMN quay_internal.secret_rotation.column_name IS 'The encrypted column.';
COMMENT ON COLUMN quay_internal.secret_rotation.last_id IS 'Id of the last row that has the new key.';
COMMENT ON COLUMN quay_internal.secret_rotation.finished IS 'Are all rows done?';
COMMENT ON COLUMN quay_internal.secret_rotation.key_check IS 'A known text, encrypted with the new key: another new key starts anew.';
