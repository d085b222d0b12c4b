#!/usr/bin/python3
"""A walk through the API with psycopg 3 and psycopg_pool.

    walk_psycopg3.py URL [SUFFIX]       SUFFIX makes the names of this run unique; by default it is random

psycopg 3 sends arguments apart from the statement, so bytes travel as they are (%b), and nothing is quoted.
"""

import concurrent.futures
import hashlib
import secrets
import sys
import time

import psycopg
import psycopg.rows
import psycopg_pool

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
        # By default a statement that comes for the fifth time becomes a prepared statement of its server connection. Behind a pooler in
        # transaction mode the sixth may meet another connection, which does not know it: prepare_threshold=None turns that off.
        self.pool = psycopg_pool.ConnectionPool(url, min_size=1, max_size=POOL_SIZE, kwargs={
            'prepare_threshold': None, 'row_factory': psycopg.rows.namedtuple_row, 'cursor_factory': BinaryCursor})

    def transact(self, work, tries=3):
        """work(connection) in a transaction of its own. It may run more than once, so it has no effect but on the database."""
        while True:
            try:
                with self.pool.connection() as connection, connection.transaction():
                    return work(connection)
            except psycopg.Error as error:
                tries -= 1
                if error.sqlstate not in REPEAT or not tries:
                    raise
                time.sleep(REPEAT[error.sqlstate])

    def rows(self, statement, **arguments):
        """One statement, which is one transaction."""
        return self.transact(lambda connection: connection.execute(statement, arguments).fetchall())


class BinaryCursor(psycopg.Cursor):
    """Results come in binary form: a bytea as the bytes themselves, not as twice as many hexadecimal digits."""
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.format = psycopg.pq.Format.BINARY


def digest_of(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def manifest_of(config, layer):
    return (f'{{"schemaVersion":2,"mediaType":"{MANIFEST_TYPE}",'
            f'"config":{{"mediaType":"{CONFIG_TYPE}","digest":"{digest_of(config)}","size":{len(config)}}},'
            f'"layers":[{{"mediaType":"{LAYER_TYPE}","digest":"{digest_of(layer)}","size":{len(layer)}}}]}}').encode()


def push_blob(database, organization, data):
    place = {'namespace': organization, 'repository': 'app'}
    upload = database.rows('SELECT upload FROM quay.upload_start(namespace => %(namespace)s, repository => %(repository)s)', **place)[0].upload
    # The offset makes a chunk that is sent twice harmless, so a lost connection is no problem.
    for offset in range(0, len(data), CHUNK):
        database.rows('SELECT quay.upload_append(namespace => %(namespace)s, repository => %(repository)s, upload => %(upload)s,'
                      ' chunk => %(chunk)b, "offset" => %(offset)s)', **place, upload=upload, chunk=data[offset:offset + CHUNK], offset=offset)

    def finish(connection):
        done = connection.execute('SELECT path, verified, existed FROM quay.upload_finish(namespace => %(namespace)s,'
                                  ' repository => %(repository)s, upload => %(upload)s, digest => %(digest)s)',
                                  {**place, 'upload': upload, 'digest': digest_of(data)}).fetchone()
        # Unless it existed, a front end moves the bytes to done.path here: before the commit, which shows the blob to everybody.
        assert done.verified
    database.transact(finish)


def push_manifest(database, organization, manifest, config, tags, actor):
    # A list becomes an array.
    return database.rows('SELECT digest FROM quay.manifest_put(namespace => %(namespace)s, repository => %(repository)s,'
                         ' manifest => %(manifest)b, media_type => %(media_type)s, tags => %(tags)s, config => %(config)b, actor => %(actor)s)',
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

    def create(connection, name='app', role='write'):   # A repository without its permissions would be of no use: both or nothing.
        connection.execute('SELECT quay.repository_create(namespace => %(namespace)s, name => %(name)s, creator => %(user)s)',
                           {'namespace': organization, 'name': name, 'user': user})
        connection.execute("SELECT quay.permission_set(namespace => %(namespace)s, repository => %(name)s, grantee_kind => 'user',"
                           ' grantee => %(robot)s, role => %(role)s)',
                           {'namespace': organization, 'name': name, 'robot': robot.username, 'role': role})
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
    assert pulled.manifest == manifest
    print('pulled  ', pulled.status, pulled.digest, len(pulled.manifest))

    # A refusal is a status. None is NULL: nobody has logged in.
    stranger = pull(database, None, organization, 'latest')
    print('stranger', stranger.status)

    # An error is for a request that cannot be carried out. Programs look at the code; message, detail and hint are for people.
    try:
        push_manifest(database, organization, manifest_of(b'nowhere', layer), None, ['broken'], robot.username)
        sys.exit('a manifest without its blob was accepted')
    except psycopg.Error as error:
        code = error.sqlstate
        print('error   ', code, error.diag.message_primary)
        print('detail  ', error.diag.message_detail)
        print('hint    ', error.diag.message_hint)

    # Calls of one transaction are undone together.
    def create_and_undo(connection):
        create(connection, 'draft', 'read')
        raise Undo
    try:
        database.transact(create_and_undo)
    except Undo:
        pass
    left = len(database.rows("SELECT repository_id FROM quay.repository_get(namespace => %(namespace)s, name => 'draft')", namespace=organization))

    # More threads than connections: the pool lets them wait.
    with concurrent.futures.ThreadPoolExecutor(8) as executor:
        pulls = list(executor.map(lambda tag: pull(database, robot.username, organization, tag), ['latest', 'v1'] * 4))
    at_once = sum(p.manifest == manifest for p in pulls)

    database.pool.close()
    print(f'walk: {pulled.digest} tags={",".join(tags)} stranger={stranger.status} error={code} left={left} pulls={at_once}')


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else secrets.token_hex(4))
