#!/usr/bin/python3
"""A walk through the API with SQLAlchemy, whose classes come from the tables of schema quay by reflection.

    walk_sqlalchemy.py URL [SUFFIX]     SUFFIX makes the names of this run unique; by default it is random

Read through the classes whatever you like, and write through the functions: they do what belongs to a change (audit, events, sizes,
rights), which an INSERT of your own would leave out. Both share one transaction. With psycopg2 below, SQLAlchemy leaves no prepared
statements on the server, so a pooler in transaction mode needs no setting.
"""

import concurrent.futures
import contextlib
import hashlib
import secrets
import sys
import warnings

from sqlalchemy import MetaData, create_engine, text
from sqlalchemy.exc import DBAPIError, SAWarning
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import sessionmaker

MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'
CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json'
LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar'
CHUNK = 40000
POOL_SIZE = 4

Session = sessionmaker()


class Undo(Exception):
    """Takes a transaction back."""


@contextlib.contextmanager
def db_transaction():
    """A session whose transaction is committed at the end, or rolled back if something is raised.

    A server may ask to run a transaction again from its beginning: SQLSTATE 40001, 40P01, and QY055 after a second. A block cannot run
    twice, so whoever wants that puts a loop around it (see transact in walk_psycopg2.py).
    """
    with Session.begin() as session:
        yield session


def reflect(engine):
    """One class for each table that has a primary key, named as the table with a capital letter: User, Repository, Tag.

    The schema stands in the metadata, so every statement names it, and nothing depends on search_path. A foreign key becomes a
    relationship with the name of its column, tag.manifest of manifest_id, and one back, manifest.tag_collection. Without only= all tables
    are read, which takes a few seconds.
    """
    def many_to_one(base, local, referred, constraint):
        return constraint.column_keys[0].removesuffix('_id')

    metadata = MetaData(schema='quay')
    warnings.filterwarnings('ignore', 'Skipped unsupported reflection of expression-based index', SAWarning)   # no class needs them
    metadata.reflect(engine, only=['user', 'repository', 'visibility', 'repositorykind', 'repositorypermission', 'role', 'manifest',
                                   'mediatype', 'tag', 'tagkind', 'manifestblob', 'imagestorage'])
    base = automap_base(metadata=metadata)
    base.prepare(classname_for_table=lambda base, name, table: name.capitalize(), name_for_scalar_relationship=many_to_one)
    return base.classes


def rows(session, statement, **arguments):
    # text() takes :name for an argument; PostgreSQL's own => and :: are left alone.
    return session.execute(text(statement), arguments).all()


def digest_of(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def manifest_of(config, layer):
    return (f'{{"schemaVersion":2,"mediaType":"{MANIFEST_TYPE}",'
            f'"config":{{"mediaType":"{CONFIG_TYPE}","digest":"{digest_of(config)}","size":{len(config)}}},'
            f'"layers":[{{"mediaType":"{LAYER_TYPE}","digest":"{digest_of(layer)}","size":{len(layer)}}}]}}').encode()


def push_blob(organization, data):
    place = {'namespace': organization, 'repository': 'app'}
    with db_transaction() as session:
        upload = rows(session, 'SELECT upload FROM quay.upload_start(namespace => :namespace, repository => :repository)', **place)[0].upload
    # A transaction for each chunk: an upload takes minutes, a transaction should not.
    for offset in range(0, len(data), CHUNK):
        with db_transaction() as session:
            rows(session, 'SELECT quay.upload_append(namespace => :namespace, repository => :repository, upload => :upload, chunk => :chunk,'
                 ' "offset" => :offset)', **place, upload=upload, chunk=data[offset:offset + CHUNK], offset=offset)
    with db_transaction() as session:
        done = rows(session, 'SELECT path, verified, existed FROM quay.upload_finish(namespace => :namespace, repository => :repository,'
                    ' upload => :upload, digest => :digest)', **place, upload=upload, digest=digest_of(data))[0]
        # Unless it existed, a front end moves the bytes to done.path here: before the commit, which shows the blob to everybody.
        assert done.verified


def push_manifest(session, organization, manifest, config, tags, actor):
    return rows(session, "SELECT digest FROM quay.manifest_put(namespace => :namespace, repository => 'app', manifest => :manifest,"
                ' media_type => :media_type, tags => :tags, config => :config, actor => :actor)', namespace=organization,
                manifest=manifest, media_type=MANIFEST_TYPE, tags=tags, config=config, actor=actor)[0].digest


def pull(actor, organization, reference):
    with db_transaction() as session:
        return rows(session, 'SELECT status, digest, manifest FROM quay.pull(actor => :actor, namespace => :namespace,'
                    " repository => 'app', reference => :reference)", actor=actor, namespace=organization, reference=reference)[0]


def main(url, suffix):
    user, organization, password = f'walk_{suffix}', f'walkorg_{suffix}', secrets.token_hex(12)

    # If something in between keeps a pool too, poolclass=NullPool leaves the pooling to it. pool_pre_ping finds dead connections.
    engine = create_engine(url, pool_size=POOL_SIZE, max_overflow=0, pool_pre_ping=True)
    Session.configure(bind=engine)
    classes = reflect(engine)
    User, Repository, Tag = classes.User, classes.Repository, classes.Tag

    # Who is there, and where.
    with db_transaction() as session:
        rows(session, 'SELECT quay.user_create(username => :user, password => :password, email => :email)',
             user=user, password=password, email=f'{user}@example.com')
        rows(session, 'SELECT quay.organization_create(name => :name, email => :email, creator => :user)',
             name=organization, email=f'{organization}@example.com', user=user)
        robot = rows(session, "SELECT username, token FROM quay.robot_create(namespace => :namespace, shortname => 'ci', actor => :user)",
                     namespace=organization, user=user)[0]

    def create(session, name='app', role='write'):
        rows(session, 'SELECT quay.repository_create(namespace => :namespace, name => :name, creator => :user)',
             namespace=organization, name=name, user=user)
        rows(session, "SELECT quay.permission_set(namespace => :namespace, repository => :name, grantee_kind => 'user',"
             ' grantee => :robot, role => :role)', namespace=organization, name=name, robot=robot.username, role=role)
    with db_transaction() as session:
        create(session)

    # The classes are those of any other mapped tables.
    with db_transaction() as session:
        admin = session.query(User).filter_by(username='admin').first()
        assert admin is None or admin.username == 'admin'
        me = session.query(User).filter_by(username=user).first()
        assert me.email == f'{user}@example.com' and not me.organization

    # A wrong password is an everyday thing, so it is a row and not an error.
    with db_transaction() as session:
        for username, secret in (robot.username, robot.token), (user, password), (user, 'wrong'):
            login = rows(session, 'SELECT kind, actor, error FROM quay.authenticate(username => :username, secret => :secret)',
                         username=username, secret=secret)[0]
            print('login   ', login.kind, login.actor or login.error)

    # Blobs first, then the manifest: it may only refer to what is there.
    layer = bytes(range(256)) * 256
    config = f'{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["{digest_of(layer)}"]}}}}'.encode()
    manifest = manifest_of(config, layer)
    push_blob(organization, layer)
    push_blob(organization, config)
    with db_transaction() as session:
        assert push_manifest(session, organization, manifest, config, ['latest', 'v1'], robot.username) == digest_of(manifest)

    with db_transaction() as session:
        tags = [tag.name for tag in rows(session, "SELECT name FROM quay.tag_list(namespace => :namespace, repository => 'app')", namespace=organization)]
        # The same through relationships, across five tables.
        mapped = session.query(Tag).join(Tag.repository).join(Repository.namespace_user).filter(User.username == organization).order_by(Tag.name).all()
        assert [tag.name for tag in mapped] == tags
        assert {tag.manifest.digest for tag in mapped} == {digest_of(manifest)}
        assert mapped[0].repository.visibility.name == 'private'
        assert sorted(link.blob.content_checksum for link in mapped[0].manifest.manifestblob_collection) == sorted([digest_of(config), digest_of(layer)])
    print('tags    ', ','.join(tags))
    pulled = pull(robot.username, organization, 'latest')
    assert bytes(pulled.manifest) == manifest   # a bytea arrives as a memoryview
    print('pulled  ', pulled.status, pulled.digest, len(pulled.manifest))

    # A refusal is a status. None is NULL: nobody has logged in.
    stranger = pull(None, organization, 'latest')
    print('stranger', stranger.status)

    # An error is for a request that cannot be carried out. SQLAlchemy wraps the driver's error, which has code, detail and hint.
    try:
        with db_transaction() as session:
            push_manifest(session, organization, manifest_of(b'nowhere', layer), None, ['broken'], robot.username)
        sys.exit('a manifest without its blob was accepted')
    except DBAPIError as error:
        code = error.orig.pgcode
        print('error   ', code, error.orig.diag.message_primary)
        print('detail  ', error.orig.diag.message_detail)
        print('hint    ', error.orig.diag.message_hint)

    # Calls of one transaction are undone together. What the functions write, the classes see at once.
    try:
        with db_transaction() as session:
            create(session, 'draft', 'read')
            assert session.query(Repository).join(Repository.namespace_user).filter(User.username == organization).count() == 2
            raise Undo
    except Undo:
        pass
    with db_transaction() as session:
        left = len(rows(session, "SELECT repository_id FROM quay.repository_get(namespace => :namespace, name => 'draft')", namespace=organization))

    # More threads than connections: the pool lets them wait.
    with concurrent.futures.ThreadPoolExecutor(8) as executor:
        pulls = list(executor.map(lambda tag: pull(robot.username, organization, tag), ['latest', 'v1'] * 4))
    at_once = sum(bytes(p.manifest) == manifest for p in pulls)

    engine.dispose()
    print(f'walk: {pulled.digest} tags={",".join(tags)} stranger={stranger.status} error={code} left={left} pulls={at_once}')


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else secrets.token_hex(4))
