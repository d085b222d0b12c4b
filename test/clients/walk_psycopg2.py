#!/usr/bin/python3
"""A walk through the API with psycopg2 and its connection pool.

    walk_psycopg2.py URL [SUFFIX]       SUFFIX makes the names of this run unique; by default it is random

psycopg2 puts the arguments into the text of the statement, in the client, so it leaves no prepared statement on the server, and a pooler
in transaction mode needs no setting.
"""

import concurrent.futures
import hashlib
import secrets
import sys
import time

import psycopg2
import psycopg2.extras
import psycopg2.pool

MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'
CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json'
LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar'
CHUNK = 40000
POOL_SIZE = 4

# What the server asks to do again from the beginning, and after how many seconds: a serialization failure, a deadlock, a blob that is
# just being deleted.
REPEAT = {'40001': 0, '40P01': 0, 'QY055': 1}


class Undo(Exception):
    """Takes a transaction back."""


class Database:
    def __init__(self, url):
        self.pool = psycopg2.pool.ThreadedConnectionPool(1, POOL_SIZE, url, cursor_factory=psycopg2.extras.NamedTupleCursor)

    def transact(self, work, tries=3):
        """work(cursor) in a transaction of its own. It may run more than once, so it has no effect but on the database."""
        while True:
            connection = self.pool.getconn()
            try:
                with connection, connection.cursor() as cursor:     # commits at the end, or rolls back if something is raised
                    return work(cursor)
            except psycopg2.Error as error:
                tries -= 1
                if error.pgcode not in REPEAT or not tries:
                    raise
                time.sleep(REPEAT[error.pgcode])
            finally:
                self.pool.putconn(connection)

    def rows(self, statement, **arguments):
        """One statement, which is one transaction."""
        return self.transact(lambda cursor: fetch(cursor, statement, **arguments))


def fetch(cursor, statement, **arguments):
    cursor.execute(statement, arguments)
    return cursor.fetchall()


def digest_of(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def manifest_of(config, layer):
    return (f'{{"schemaVersion":2,"mediaType":"{MANIFEST_TYPE}",'
            f'"config":{{"mediaType":"{CONFIG_TYPE}","digest":"{digest_of(config)}","size":{len(config)}}},'
            f'"layers":[{{"mediaType":"{LAYER_TYPE}","digest":"{digest_of(layer)}","size":{len(layer)}}}]}}').encode()


def push_blob(database, organization, data):
    place = {'namespace': organization, 'repository': 'app'}
    upload = database.rows('SELECT upload FROM quay.upload_start(namespace => %(namespace)s, repository => %(repository)s)', **place)[0].upload
    # bytes become a bytea. The offset makes a chunk that is sent twice harmless, so a lost connection is no problem.
    for offset in range(0, len(data), CHUNK):
        database.rows('SELECT quay.upload_append(namespace => %(namespace)s, repository => %(repository)s, upload => %(upload)s,'
                      ' chunk => %(chunk)s, "offset" => %(offset)s)', **place, upload=upload, chunk=data[offset:offset + CHUNK], offset=offset)

    def finish(cursor):
        done = fetch(cursor, 'SELECT path, verified, existed FROM quay.upload_finish(namespace => %(namespace)s,'
                     ' repository => %(repository)s, upload => %(upload)s, digest => %(digest)s)', **place, upload=upload, digest=digest_of(data))[0]
        # Unless it existed, a front end moves the bytes to done.path here: before the commit, which shows the blob to everybody.
        assert done.verified
    database.transact(finish)


def push_manifest(database, organization, manifest, config, tags, actor):
    # A list becomes an array.
    return database.rows('SELECT digest FROM quay.manifest_put(namespace => %(namespace)s, repository => %(repository)s,'
                         ' manifest => %(manifest)s, media_type => %(media_type)s, tags => %(tags)s, config => %(config)s, actor => %(actor)s)',
                         namespace=organization, repository='app', manifest=manifest, media_type=MANIFEST_TYPE, tags=tags, config=config,
                         actor=actor)[0].digest


def pull(database, actor, organization, reference):
    return database.rows('SELECT status, digest, manifest FROM quay.pull(actor => %(actor)s, namespace => %(namespace)s,'
                         ' repository => %(repository)s, reference => %(reference)s)',
                         actor=actor, namespace=organization, repository='app', reference=reference)[0]


def main(url, suffix):
    user, organization, password = f'walk_{suffix}', f'walkorg_{suffix}', secrets.token_hex(12)
    database = Database(url)

    # Who is there, and where. None of these calls is seen by others before it is complete.
    database.rows('SELECT quay.user_create(username => %(user)s, password => %(password)s, email => %(email)s)',
                  user=user, password=password, email=f'{user}@example.com')
    database.rows('SELECT quay.organization_create(name => %(name)s, email => %(email)s, creator => %(user)s)',
                  name=organization, email=f'{organization}@example.com', user=user)
    robot = database.rows("SELECT username, token FROM quay.robot_create(namespace => %(namespace)s, shortname => 'ci', actor => %(user)s)",
                          namespace=organization, user=user)[0]

    def create(cursor, name='app', role='write'):   # A repository without its permissions would be of no use: both or nothing.
        fetch(cursor, 'SELECT quay.repository_create(namespace => %(namespace)s, name => %(name)s, creator => %(user)s)',
              namespace=organization, name=name, user=user)
        fetch(cursor, "SELECT quay.permission_set(namespace => %(namespace)s, repository => %(name)s, grantee_kind => 'user',"
              ' grantee => %(robot)s, role => %(role)s)', namespace=organization, name=name, robot=robot.username, role=role)
    database.transact(create)

    # A wrong password is an everyday thing, so it is a row and not an error.
    for username, secret in (robot.username, robot.token), (user, password), (user, 'wrong'):
        login = database.rows('SELECT kind, actor, error FROM quay.authenticate(username => %(username)s, secret => %(secret)s)',
                              username=username, secret=secret)[0]
        print('login   ', login.kind, login.actor or login.error)

    # Blobs first, then the manifest: it may only refer to what is there.
    layer = bytes(range(256)) * 256
    config = f'{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["{digest_of(layer)}"]}}}}'.encode()
    manifest = manifest_of(config, layer)
    push_blob(database, organization, layer)
    push_blob(database, organization, config)
    assert push_manifest(database, organization, manifest, config, ['latest', 'v1'], robot.username) == digest_of(manifest)

    tags = [tag.name for tag in database.rows("SELECT name FROM quay.tag_list(namespace => %(namespace)s, repository => 'app')", namespace=organization)]
    print('tags    ', ','.join(tags))
    pulled = pull(database, robot.username, organization, 'latest')
    assert bytes(pulled.manifest) == manifest   # a bytea arrives as a memoryview
    print('pulled  ', pulled.status, pulled.digest, len(pulled.manifest))

    # A refusal is a status. None is NULL: nobody has logged in.
    stranger = pull(database, None, organization, 'latest')
    print('stranger', stranger.status)

    # An error is for a request that cannot be carried out. Programs look at the code; message, detail and hint are for people.
    try:
        push_manifest(database, organization, manifest_of(b'nowhere', layer), None, ['broken'], robot.username)
        sys.exit('a manifest without its blob was accepted')
    except psycopg2.Error as error:
        code = error.pgcode
        print('error   ', code, error.diag.message_primary)
        print('detail  ', error.diag.message_detail)
        print('hint    ', error.diag.message_hint)

    # Calls of one transaction are undone together.
    def create_and_undo(cursor):
        create(cursor, 'draft', 'read')
        raise Undo
    try:
        database.transact(create_and_undo)
    except Undo:
        pass
    left = len(database.rows("SELECT repository_id FROM quay.repository_get(namespace => %(namespace)s, name => 'draft')", namespace=organization))

    # The pool of psycopg2 does not wait for a free connection but fails, so there are as many threads as connections.
    with concurrent.futures.ThreadPoolExecutor(POOL_SIZE) as executor:
        pulls = list(executor.map(lambda tag: pull(database, robot.username, organization, tag), ['latest', 'v1'] * 4))
    at_once = sum(bytes(p.manifest) == manifest for p in pulls)

    database.pool.closeall()
    print(f'walk: {pulled.digest} tags={",".join(tags)} stranger={stranger.status} error={code} left={left} pulls={at_once}')


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else secrets.token_hex(4))
