/*
 * A walk through the API with libpq.
 *
 *     cc -I$(pg_config --includedir) -o walk_libpq walk_libpq.c -L$(pg_config --libdir) -lpq -lcrypto -lpthread
 *     walk_libpq URL [SUFFIX]          SUFFIX makes the names of this run unique; by default it is of the process and the time
 *
 * PQexecParams sends arguments apart from the statement, and the server forgets the statement at once: behind a pooler in transaction mode
 * nothing is to be set. (PQprepare is what one would do without there.)
 */
#include <libpq-fe.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar"
#define CHUNK 40000
#define LAYER_SIZE (256 * 256)
#define POOL_SIZE 4

/* An argument: a text, or bytes; NULL is NULL. */
typedef struct Argument
{
	const char *value;
	int			length;
	bool		is_binary;
} Argument;

#define TEXT(t) ((Argument) { (t), 0, false })
#define BYTES(b, n) ((Argument) { (const char *) (b), (int) (n), true })

typedef struct Bytes
{
	char		data[1024];
	int			length;
} Bytes;

/* What the threads share. A connection serves one thread at a time. */
typedef struct Walk
{
	const char *url;
	char		user[80];
	char		organization[80];
	char		robot[80];
	Bytes		config;
	Bytes		manifest;
} Walk;

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static PGconn *
connect_to(const char *url)
{
	PGconn	   *connection = PQconnectdb(url);

	if (PQstatus(connection) != CONNECTION_OK)
		die("connect", PQerrorMessage(connection));
	return connection;
}

/*
 * Types of arguments are left to the server (no Oid), which knows those of the function. Bytes go as they are; a text form of a bytea would
 * have to be escaped. Results come in binary form: of a text and a bytea that is the bytes themselves, of a bigint 8 bytes in network order.
 */
static PGresult *
execute(PGconn *connection, const char *statement, int count, const Argument *arguments)
{
	const char *values[8];
	int			lengths[8];
	int			formats[8];

	for (int i = 0; i < count; i++)
	{
		values[i] = arguments[i].value;
		lengths[i] = arguments[i].length;
		formats[i] = arguments[i].is_binary;
	}
	return PQexecParams(connection, statement, count, NULL, values, lengths, formats, 1);
}

#define EXECUTE(connection, statement, ...) \
	execute(connection, statement, sizeof((Argument[]) { __VA_ARGS__ }) / sizeof(Argument), (const Argument[]) { __VA_ARGS__ })

/*
 * The rows of a statement that must not fail here. The SQLSTATEs 40001, 40P01 and, after a second, QY055 ask for the whole transaction
 * again; a front end has a loop around it.
 */
static PGresult *
rows_of(PGconn *connection, PGresult *result)
{
	if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
		die(PQresultErrorField(result, PG_DIAG_SQLSTATE), PQerrorMessage(connection));
	return result;
}

#define ROWS(connection, statement, ...) rows_of(connection, EXECUTE(connection, statement, __VA_ARGS__))
#define CALL(connection, statement, ...) PQclear(ROWS(connection, statement, __VA_ARGS__))
#define COMMAND(connection, statement) PQclear(rows_of(connection, PQexec(connection, statement)))

/* A copy of a column of the first row. */
static void
copy_column(PGresult *result, int column, char *to, size_t size)
{
	if (PQntuples(result) < 1)
		die("result", "no row");
	snprintf(to, size, "%s", PQgetvalue(result, 0, column));
}

static void
digest_of(const void *data, size_t length, char digest[72])
{
	unsigned char hash[SHA256_DIGEST_LENGTH];

	SHA256(data, length, hash);
	strcpy(digest, "sha256:");
	for (int i = 0; i < SHA256_DIGEST_LENGTH; i++)
		sprintf(digest + 7 + 2 * i, "%02x", hash[i]);
}

static void
make_manifest(Bytes *manifest, const char *config, int config_length, const unsigned char *layer)
{
	char		config_digest[72];
	char		layer_digest[72];

	digest_of(config, config_length, config_digest);
	digest_of(layer, LAYER_SIZE, layer_digest);
	manifest->length = snprintf(manifest->data, sizeof(manifest->data),
								"{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_TYPE "\","
								"\"config\":{\"mediaType\":\"" CONFIG_TYPE "\",\"digest\":\"%s\",\"size\":%d},"
								"\"layers\":[{\"mediaType\":\"" LAYER_TYPE "\",\"digest\":\"%s\",\"size\":%d}]}",
								config_digest, config_length, layer_digest, LAYER_SIZE);
}

static void
push_blob(PGconn *connection, const char *organization, const void *data, int length)
{
	char		upload[80];
	char		digest[72];
	PGresult   *result;

	result = ROWS(connection, "SELECT upload FROM quay.upload_start(namespace => $1, repository => 'app')", TEXT(organization));
	copy_column(result, 0, upload, sizeof(upload));
	PQclear(result);

	/* The offset makes a chunk that is sent twice harmless, so a lost connection is no problem. */
	for (int offset = 0; offset < length; offset += CHUNK)
	{
		char		position[16];

		snprintf(position, sizeof(position), "%d", offset);
		CALL(connection, "SELECT quay.upload_append(namespace => $1, repository => 'app', upload => $2, chunk => $3, \"offset\" => $4)",
			 TEXT(organization), TEXT(upload),
			 BYTES((const char *) data + offset, length - offset < CHUNK ? length - offset : CHUNK), TEXT(position));
	}

	digest_of(data, length, digest);
	COMMAND(connection, "BEGIN");
	result = ROWS(connection, "SELECT path, verified, existed FROM quay.upload_finish(namespace => $1, repository => 'app',"
				  " upload => $2, digest => $3)", TEXT(organization), TEXT(upload), TEXT(digest));
	/* Unless it existed, a front end moves the bytes to the path here: before the commit, which shows the blob to everybody. */
	if (PQgetvalue(result, 0, 1)[0] != 1)
		die("upload", "not verified");
	PQclear(result);
	COMMAND(connection, "COMMIT");
}

static PGresult *
push_manifest(PGconn *connection, const Walk *walk, const Bytes *manifest, const Bytes *config, const char *tags)
{
	return EXECUTE(connection, "SELECT digest FROM quay.manifest_put(namespace => $1, repository => 'app', manifest => $2,"
				   " media_type => '" MANIFEST_TYPE "', tags => $3, config => $4, actor => $5)",
				   TEXT(walk->organization), BYTES(manifest->data, manifest->length), TEXT(tags),
				   BYTES(config ? config->data : NULL, config ? config->length : 0), TEXT(walk->robot));
}

static PGresult *
pull(PGconn *connection, const Walk *walk, const char *actor, const char *reference)
{
	return ROWS(connection, "SELECT status, digest, manifest FROM quay.pull(actor => $1, namespace => $2, repository => 'app', reference => $3)",
				TEXT(actor), TEXT(walk->organization), TEXT(reference));
}

static bool
is_manifest(PGresult *pulled, const Walk *walk)
{
	return PQgetlength(pulled, 0, 2) == walk->manifest.length &&
		memcmp(PQgetvalue(pulled, 0, 2), walk->manifest.data, walk->manifest.length) == 0;
}

static void
create_repository(PGconn *connection, const Walk *walk, const char *name, const char *role)
{
	CALL(connection, "SELECT quay.repository_create(namespace => $1, name => $2, creator => $3)",
		 TEXT(walk->organization), TEXT(name), TEXT(walk->user));
	CALL(connection, "SELECT quay.permission_set(namespace => $1, repository => $2, grantee_kind => 'user', grantee => $3, role => $4)",
		 TEXT(walk->organization), TEXT(name), TEXT(walk->robot), TEXT(role));
}

static void
log_in(PGconn *connection, const char *username, const char *secret)
{
	PGresult   *login = ROWS(connection, "SELECT kind, coalesce(actor, error) FROM quay.authenticate(username => $1, secret => $2)",
							 TEXT(username), TEXT(secret));

	printf("login    %s %s\n", PQgetvalue(login, 0, 0), PQgetvalue(login, 0, 1));
	PQclear(login);
}

static void *
pull_two(void *argument)
{
	const Walk *walk = argument;
	PGconn	   *connection = connect_to(walk->url);
	size_t		good = 0;

	for (int i = 0; i < 2; i++)
	{
		PGresult   *pulled = pull(connection, walk, walk->robot, i ? "v1" : "latest");

		good += is_manifest(pulled, walk);
		PQclear(pulled);
	}
	PQfinish(connection);
	return (void *) good;
}

int
main(int argc, char **argv)
{
	static unsigned char layer[LAYER_SIZE];
	static Walk walk;
	Bytes		broken;
	PGconn	   *connection;
	PGresult   *result;
	pthread_t	threads[POOL_SIZE];
	char		suffix[40];
	char		email[128];
	char		token[128];
	char		digest[72];
	char		tags[80] = "";
	char		stranger[40];
	char		code[6];
	int			left;
	size_t		at_once = 0;

	if (argc < 2)
		die("usage", "walk_libpq URL [SUFFIX]");
	walk.url = argv[1];
	snprintf(suffix, sizeof(suffix), "%lx%x", (long) time(NULL), (unsigned) getpid());
	snprintf(walk.user, sizeof(walk.user), "walk_%s", argc > 2 ? argv[2] : suffix);
	snprintf(walk.organization, sizeof(walk.organization), "walkorg_%s", argc > 2 ? argv[2] : suffix);
	connection = connect_to(walk.url);

	/* Who is there, and where. None of these calls is seen by others before it is complete. */
	snprintf(email, sizeof(email), "%s@example.com", walk.user);
	CALL(connection, "SELECT quay.user_create(username => $1, password => $2, email => $3)", TEXT(walk.user), TEXT("correct-horse-battery"), TEXT(email));
	snprintf(email, sizeof(email), "%s@example.com", walk.organization);
	CALL(connection, "SELECT quay.organization_create(name => $1, email => $2, creator => $3)", TEXT(walk.organization), TEXT(email), TEXT(walk.user));
	result = ROWS(connection, "SELECT username, token FROM quay.robot_create(namespace => $1, shortname => 'ci', actor => $2)",
				  TEXT(walk.organization), TEXT(walk.user));
	copy_column(result, 0, walk.robot, sizeof(walk.robot));
	copy_column(result, 1, token, sizeof(token));
	PQclear(result);
	/* A repository without its permissions would be of no use: both or nothing. */
	COMMAND(connection, "BEGIN");
	create_repository(connection, &walk, "app", "write");
	COMMAND(connection, "COMMIT");

	/* A wrong password is an everyday thing, so it is a row and not an error. */
	log_in(connection, walk.robot, token);
	log_in(connection, walk.user, "correct-horse-battery");
	log_in(connection, walk.user, "wrong");

	/* Blobs first, then the manifest: it may only refer to what is there. */
	for (int i = 0; i < LAYER_SIZE; i++)
		layer[i] = (unsigned char) i;
	digest_of(layer, LAYER_SIZE, digest);
	walk.config.length = snprintf(walk.config.data, sizeof(walk.config.data),
								  "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}", digest);
	make_manifest(&walk.manifest, walk.config.data, walk.config.length, layer);
	push_blob(connection, walk.organization, layer, LAYER_SIZE);
	push_blob(connection, walk.organization, walk.config.data, walk.config.length);
	/* An array in text form: its elements need quotes only if they have commas, braces, quotes, backslashes or spaces. Tags have none. */
	result = rows_of(connection, push_manifest(connection, &walk, &walk.manifest, &walk.config, "{latest,v1}"));
	digest_of(walk.manifest.data, walk.manifest.length, digest);
	if (strcmp(PQgetvalue(result, 0, 0), digest) != 0)
		die("manifest_put", "another digest");
	PQclear(result);

	result = ROWS(connection, "SELECT name FROM quay.tag_list(namespace => $1, repository => 'app')", TEXT(walk.organization));
	for (int i = 0; i < PQntuples(result); i++)
		snprintf(tags + strlen(tags), sizeof(tags) - strlen(tags), "%s%s", i ? "," : "", PQgetvalue(result, i, 0));
	PQclear(result);
	printf("tags     %s\n", tags);
	result = pull(connection, &walk, walk.robot, "latest");
	if (!is_manifest(result, &walk))
		die("pull", "other bytes");
	printf("pulled   %s %s %d\n", PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1), PQgetlength(result, 0, 2));
	PQclear(result);

	/* A refusal is a status. NULL: nobody has logged in. */
	result = pull(connection, &walk, NULL, "latest");
	copy_column(result, 0, stranger, sizeof(stranger));
	PQclear(result);
	printf("stranger %s\n", stranger);

	/* An error is for a request that cannot be carried out. Programs look at the code; message, detail and hint are for people. */
	make_manifest(&broken, "nowhere", 7, layer);
	result = push_manifest(connection, &walk, &broken, NULL, "{broken}");
	if (PQresultStatus(result) != PGRES_FATAL_ERROR)
		die("manifest_put", "a manifest without its blob was accepted");
	snprintf(code, sizeof(code), "%s", PQresultErrorField(result, PG_DIAG_SQLSTATE));
	printf("error    %s %s\n", code, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
	printf("detail   %s\n", PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));
	printf("hint     %s\n", PQresultErrorField(result, PG_DIAG_MESSAGE_HINT));
	PQclear(result);

	/* Calls of one transaction are undone together. */
	COMMAND(connection, "BEGIN");
	create_repository(connection, &walk, "draft", "read");
	COMMAND(connection, "ROLLBACK");
	result = ROWS(connection, "SELECT repository_id FROM quay.repository_get(namespace => $1, name => 'draft')", TEXT(walk.organization));
	left = PQntuples(result);
	PQclear(result);

	/* A pool in C is mostly that of pgbouncer; here each thread has a connection of its own. */
	for (int i = 0; i < POOL_SIZE; i++)
		if (pthread_create(&threads[i], NULL, pull_two, &walk) != 0)
			die("pthread_create", "no thread");
	for (int i = 0; i < POOL_SIZE; i++)
	{
		void	   *good;

		pthread_join(threads[i], &good);
		at_once += (size_t) good;
	}

	PQfinish(connection);
	printf("walk: %s tags=%s stranger=%s error=%s left=%d pulls=%zu\n", digest, tags, stranger, code, left, at_once);
	return 0;
}
