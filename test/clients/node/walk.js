#!/usr/bin/env node
// A walk through the API with node-postgres and its pool.
//
//     node walk.js URL [SUFFIX]        SUFFIX makes the names of this run unique; by default it is random
//
// node-postgres sends arguments apart from the statement. It makes a prepared statement only of a query that is given a name, so behind a
// pooler in transaction mode: give none. Nothing else is to be set.
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const { setTimeout: sleep } = require('node:timers/promises');
const pg = require('pg');

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar';
const CHUNK = 40000;
const POOL_SIZE = 4;

// What the server asks to do again from the beginning, and after how many milliseconds: a serialization failure, a deadlock, a blob that
// is just being deleted.
const REPEAT = { '40001': 0, '40P01': 0, QY055: 1000 };

// A bigint arrives as a string, since it may be larger than a number of JavaScript can tell. Ids, sizes and times of the registry stay
// below 2^53, so let them be numbers.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

class Undo extends Error {}    // takes a transaction back

class Database {
  constructor(url) {
    this.pool = new pg.Pool({ connectionString: url, max: POOL_SIZE });
    // Without a listener, a connection that breaks while it is idle ends the process. The pool makes a new one.
    this.pool.on('error', (error) => console.error(`idle connection lost: ${error.message}`));
  }

  // work(client) in a transaction of its own, all on one connection. It may run more than once, so it has no effect but on the database.
  async transact(work) {
    for (let tries = 3; ; tries--) {
      const client = await this.pool.connect();
      let broken;
      try {
        await client.query('BEGIN');
        const result = await work(client);
        await client.query('COMMIT');
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch((lost) => { broken = lost; });
        if (!(error.code in REPEAT) || tries === 1) throw error;
        await sleep(REPEAT[error.code]);
      } finally {
        client.release(broken);    // a broken one is not used again
      }
    }
  }

  // One statement, which is one transaction.
  async rows(statement, ...values) {
    return (await this.pool.query(statement, values)).rows;
  }
}

const digestOf = (data) => 'sha256:' + crypto.createHash('sha256').update(data).digest('hex');

// JSON.stringify keeps the order of the keys; a digest is one of bytes.
const manifestOf = (config, layer) => Buffer.from(JSON.stringify({
  schemaVersion: 2,
  mediaType: MANIFEST_TYPE,
  config: { mediaType: CONFIG_TYPE, digest: digestOf(config), size: config.length },
  layers: [{ mediaType: LAYER_TYPE, digest: digestOf(layer), size: layer.length }],
}));

async function pushBlob(database, organization, data) {
  const [{ upload }] = await database.rows(`SELECT upload FROM quay.upload_start(namespace => $1, repository => 'app')`, organization);
  // A Buffer becomes a bytea, in binary form. The offset makes a chunk that is sent twice harmless, so a lost connection is no problem.
  for (let offset = 0; offset < data.length; offset += CHUNK) {
    await database.rows(`SELECT quay.upload_append(namespace => $1, repository => 'app', upload => $2, chunk => $3, "offset" => $4)`,
      organization, upload, data.subarray(offset, offset + CHUNK), offset);
  }
  await database.transact(async (client) => {
    const { rows: [done] } = await client.query(
      `SELECT path, verified, existed FROM quay.upload_finish(namespace => $1, repository => 'app', upload => $2, digest => $3)`,
      [organization, upload, digestOf(data)]);
    // Unless it existed, a front end moves the bytes to done.path here: before the commit, which shows the blob to everybody.
    assert(done.verified);
  });
}

async function pushManifest(database, organization, manifest, config, tags, actor) {
  // An array becomes an array.
  const [{ digest }] = await database.rows(
    `SELECT digest FROM quay.manifest_put(namespace => $1, repository => 'app', manifest => $2, media_type => $3, tags => $4,
         config => $5, actor => $6)`,
    organization, manifest, MANIFEST_TYPE, tags, config, actor);
  return digest;
}

async function pull(database, actor, organization, reference) {
  const [row] = await database.rows(
    `SELECT status, digest, manifest FROM quay.pull(actor => $1, namespace => $2, repository => 'app', reference => $3)`,
    actor, organization, reference);
  return row;
}

async function main(url, suffix) {
  const user = `walk_${suffix}`, organization = `walkorg_${suffix}`, password = crypto.randomBytes(12).toString('hex');
  const database = new Database(url);

  // Who is there, and where. None of these calls is seen by others before it is complete.
  const [{ id }] = await database.rows('SELECT quay.user_create(username => $1, password => $2, email => $3) AS id',
    user, password, `${user}@example.com`);
  assert(Number.isSafeInteger(id));
  await database.rows('SELECT quay.organization_create(name => $1, email => $2, creator => $3)',
    organization, `${organization}@example.com`, user);
  const [robot] = await database.rows(`SELECT username, token FROM quay.robot_create(namespace => $1, shortname => 'ci', actor => $2)`,
    organization, user);

  // A repository without its permissions would be of no use: both or nothing.
  const create = async (client, name, role) => {
    await client.query('SELECT quay.repository_create(namespace => $1, name => $2, creator => $3)', [organization, name, user]);
    await client.query(`SELECT quay.permission_set(namespace => $1, repository => $2, grantee_kind => 'user', grantee => $3, role => $4)`,
      [organization, name, robot.username, role]);
  };
  await database.transact((client) => create(client, 'app', 'write'));

  // A wrong password is an everyday thing, so it is a row and not an error.
  for (const [username, secret] of [[robot.username, robot.token], [user, password], [user, 'wrong']]) {
    const [login] = await database.rows('SELECT kind, actor, error FROM quay.authenticate(username => $1, secret => $2)', username, secret);
    console.log('login   ', login.kind, login.actor ?? login.error);
  }

  // Blobs first, then the manifest: it may only refer to what is there.
  const layer = Buffer.from(Uint8Array.from({ length: 256 * 256 }, (_, i) => i % 256));
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [digestOf(layer)] } }));
  const manifest = manifestOf(config, layer);
  await pushBlob(database, organization, layer);
  await pushBlob(database, organization, config);
  assert.equal(await pushManifest(database, organization, manifest, config, ['latest', 'v1'], robot.username), digestOf(manifest));

  const tags = (await database.rows(`SELECT name FROM quay.tag_list(namespace => $1, repository => 'app')`, organization)).map((tag) => tag.name);
  console.log('tags    ', tags.join());
  const pulled = await pull(database, robot.username, organization, 'latest');
  assert(manifest.equals(pulled.manifest));
  console.log('pulled  ', pulled.status, pulled.digest, pulled.manifest.length);

  // A refusal is a status. null is NULL: nobody has logged in.
  const stranger = await pull(database, null, organization, 'latest');
  console.log('stranger', stranger.status);

  // An error is for a request that cannot be carried out. Programs look at the code; message, detail and hint are for people.
  const error = await pushManifest(database, organization, manifestOf(Buffer.from('nowhere'), layer), null, ['broken'], robot.username)
    .then(() => assert.fail('a manifest without its blob was accepted'), (refused) => refused);
  console.log('error   ', error.code, error.message);
  console.log('detail  ', error.detail);
  console.log('hint    ', error.hint);

  // Calls of one transaction are undone together.
  await database.transact(async (client) => {
    await create(client, 'draft', 'read');
    throw new Undo();
  }).catch((undone) => { if (!(undone instanceof Undo)) throw undone; });
  const left = (await database.rows(`SELECT repository_id FROM quay.repository_get(namespace => $1, name => 'draft')`, organization)).length;

  // More requests than connections: the pool lets them wait.
  const pulls = await Promise.all(Array.from({ length: 8 }, (_, i) => pull(database, robot.username, organization, i % 2 ? 'v1' : 'latest')));
  const atOnce = pulls.filter((p) => manifest.equals(p.manifest)).length;

  await database.pool.end();
  console.log(`walk: ${pulled.digest} tags=${tags} stranger=${stranger.status} error=${error.code} left=${left} pulls=${atOnce}`);
}

main(process.argv[2], process.argv[3] ?? crypto.randomBytes(4).toString('hex'));
