import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * A walk through the API with JDBC.
 *
 * java -cp /usr/share/java/postgresql.jar Walk.java URL [SUFFIX]
 *
 * URL is postgresql://user:password@host:port/database. SUFFIX makes the names of this run unique; by default it is random.
 */
public class Walk {
    static final String MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
    static final String CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
    static final String LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar";
    static final int CHUNK = 40000;
    static final int POOL_SIZE = 4;

    interface Work<T> { T run(Connection connection) throws Exception; }

    /** What a pull answers. */
    record Pulled(String status, String digest, byte[] manifest) { }

    /** Takes a transaction back. */
    static class Undo extends Exception { }

    /** The smallest pool there can be: whoever takes a connection from an empty queue waits. In earnest it would be HikariCP. */
    static final BlockingQueue<Connection> pool = new ArrayBlockingQueue<>(POOL_SIZE);

    static void connect(String url) throws Exception {
        URI uri = new URI(url);
        String[] login = uri.getUserInfo().split(":", 2);
        Properties properties = new Properties();
        properties.setProperty("user", login[0]);
        properties.setProperty("password", login[1]);
        // By default the fifth execution of a PreparedStatement makes a prepared statement of its server connection. Behind a pooler in
        // transaction mode the next execution may meet another connection, which does not know it. 0 turns that off; statements still
        // have parameters, and are still parsed by the server with each execution.
        properties.setProperty("prepareThreshold", "0");
        // Otherwise the driver says SET extra_float_digits in each connection, which stays with whatever connection of the server the pooler
        // has for it just then. So it says it at the start, where the pooler can ignore it (ignore_startup_parameters).
        properties.setProperty("assumeMinServerVersion", "14");
        for (int i = 0; i < POOL_SIZE; i++) {
            Connection connection = DriverManager.getConnection("jdbc:postgresql://" + uri.getHost() + ":" + uri.getPort() + uri.getPath(), properties);
            connection.setAutoCommit(false);
            pool.add(connection);
        }
    }

    /** Work in a transaction of its own. It may run more than once, so it has no effect but on the database. */
    static <T> T transact(Work<T> work) throws Exception {
        for (int tries = 3;; tries--) {
            Connection connection = pool.take();
            try {
                T result = work.run(connection);
                connection.commit();
                return result;
            } catch (Exception error) {
                connection.rollback();
                int pause = error instanceof SQLException sql ? pauseAfter(sql.getSQLState()) : -1;
                if (pause < 0 || tries == 1)
                    throw error;
                Thread.sleep(pause);
            } finally {
                pool.put(connection);
            }
        }
    }

    /** What the server asks to do again from the beginning: a serialization failure, a deadlock, a blob that is just being deleted. */
    static int pauseAfter(String state) {
        return switch (state == null ? "" : state) {
            case "40001", "40P01" -> 0;
            case "QY055" -> 1000;
            default -> -1;
        };
    }

    /** The columns of the first row; null if there is no row. A byte[] becomes a bytea, in binary form, and a String[] a text[]. */
    static Object[] row(Connection connection, String statement, Object... arguments) throws SQLException {
        try (PreparedStatement prepared = connection.prepareStatement(statement)) {
            for (int i = 0; i < arguments.length; i++) {
                Object argument = arguments[i];
                if (argument instanceof byte[] bytes)
                    prepared.setBytes(i + 1, bytes);
                else if (argument instanceof String[] strings)
                    prepared.setArray(i + 1, connection.createArrayOf("text", strings));
                else if (argument instanceof Long number)
                    prepared.setLong(i + 1, number);
                else if (argument == null)
                    prepared.setNull(i + 1, Types.NULL);    // of no type, so that it becomes one of the type of the argument
                else
                    prepared.setString(i + 1, (String) argument);
            }
            try (ResultSet result = prepared.executeQuery()) {
                if (!result.next())
                    return null;
                Object[] columns = new Object[result.getMetaData().getColumnCount()];
                for (int i = 0; i < columns.length; i++)
                    columns[i] = result.getObject(i + 1);
                return columns;
            }
        }
    }

    /** One statement, which is one transaction. */
    static Object[] call(String statement, Object... arguments) throws Exception {
        return transact(connection -> row(connection, statement, arguments));
    }

    static String digestOf(byte[] data) throws Exception {
        return "sha256:" + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data));
    }

    static byte[] bytes(String text) { return text.getBytes(StandardCharsets.UTF_8); }

    static byte[] manifestOf(byte[] config, byte[] layer) throws Exception {
        return bytes("{\"schemaVersion\":2,\"mediaType\":\"" + MANIFEST_TYPE + "\","
            + "\"config\":{\"mediaType\":\"" + CONFIG_TYPE + "\",\"digest\":\"" + digestOf(config) + "\",\"size\":" + config.length + "},"
            + "\"layers\":[{\"mediaType\":\"" + LAYER_TYPE + "\",\"digest\":\"" + digestOf(layer) + "\",\"size\":" + layer.length + "}]}");
    }

    static void pushBlob(String organization, byte[] data) throws Exception {
        String upload = (String) call("SELECT upload FROM quay.upload_start(namespace => ?, repository => 'app')", organization)[0];
        // The offset makes a chunk that is sent twice harmless, so a lost connection is no problem.
        for (int offset = 0; offset < data.length; offset += CHUNK)
            call("SELECT quay.upload_append(namespace => ?, repository => 'app', upload => ?, chunk => ?, \"offset\" => ?)",
                organization, upload, Arrays.copyOfRange(data, offset, Math.min(offset + CHUNK, data.length)), (long) offset);
        String digest = digestOf(data);
        transact(connection -> {
            Object[] done = row(connection, "SELECT path, verified, existed FROM quay.upload_finish(namespace => ?, repository => 'app',"
                + " upload => ?, digest => ?)", organization, upload, digest);
            // Unless it existed, a front end moves the bytes to the path here: before the commit, which shows the blob to everybody.
            return require((Boolean) done[1], "the blob is verified");
        });
    }

    static String pushManifest(String organization, byte[] manifest, byte[] config, String[] tags, String actor) throws Exception {
        return (String) call("SELECT digest FROM quay.manifest_put(namespace => ?, repository => 'app', manifest => ?, media_type => ?,"
            + " tags => ?, config => ?, actor => ?)", organization, manifest, MANIFEST_TYPE, tags, config, actor)[0];
    }

    static Pulled pull(String actor, String organization, String reference) throws Exception {
        Object[] row = call("SELECT status, digest, manifest FROM quay.pull(actor => ?, namespace => ?, repository => 'app', reference => ?)",
            actor, organization, reference);
        return new Pulled((String) row[0], (String) row[1], (byte[]) row[2]);
    }

    static Void createRepository(Connection connection, String organization, String name, String creator, String robot, String role) throws SQLException {
        row(connection, "SELECT quay.repository_create(namespace => ?, name => ?, creator => ?)::text", organization, name, creator);
        row(connection, "SELECT quay.permission_set(namespace => ?, repository => ?, grantee_kind => 'user', grantee => ?, role => ?)::text",
            organization, name, robot, role);
        return null;
    }

    static Void require(boolean condition, String what) {
        if (!condition)
            throw new IllegalStateException("expected: " + what);
        return null;
    }

    static void say(String what, Object... values) {
        System.out.printf("%-8s", what);
        for (Object value : values)
            System.out.print(" " + value);
        System.out.println();
    }

    public static void main(String[] args) throws Exception {
        String suffix = args.length > 1 ? args[1] : UUID.randomUUID().toString().substring(0, 8);
        String user = "walk_" + suffix, organization = "walkorg_" + suffix, password = UUID.randomUUID().toString();
        connect(args[0]);

        // Who is there, and where. None of these calls is seen by others before it is complete.
        call("SELECT quay.user_create(username => ?, password => ?, email => ?)", user, password, user + "@example.com");
        call("SELECT quay.organization_create(name => ?, email => ?, creator => ?)", organization, organization + "@example.com", user);
        Object[] made = call("SELECT username, token FROM quay.robot_create(namespace => ?, shortname => 'ci', actor => ?)", organization, user);
        String robot = (String) made[0], token = (String) made[1];
        // A repository without its permissions would be of no use: both or nothing.
        transact(connection -> createRepository(connection, organization, "app", user, robot, "write"));

        // A wrong password is an everyday thing, so it is a row and not an error.
        for (String[] secret : new String[][] { { robot, token }, { user, password }, { user, "wrong" } }) {
            Object[] login = call("SELECT kind, coalesce(actor, error) FROM quay.authenticate(username => ?, secret => ?)", secret[0], secret[1]);
            say("login", login);
        }

        // Blobs first, then the manifest: it may only refer to what is there.
        byte[] layer = new byte[256 * 256];
        for (int i = 0; i < layer.length; i++)
            layer[i] = (byte) i;
        byte[] config = bytes("{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" + digestOf(layer) + "\"]}}");
        byte[] manifest = manifestOf(config, layer);
        pushBlob(organization, layer);
        pushBlob(organization, config);
        String put = pushManifest(organization, manifest, config, new String[] { "latest", "v1" }, robot);
        require(put.equals(digestOf(manifest)), "the digest of the manifest");

        Array names = (Array) call("SELECT array_agg(name) FROM quay.tag_list(namespace => ?, repository => 'app')", organization)[0];
        String tags = String.join(",", (String[]) names.getArray());
        say("tags", tags);
        Pulled pulled = pull(robot, organization, "latest");
        require(Arrays.equals(pulled.manifest, manifest), "the manifest as it was pushed");
        say("pulled", pulled.status, pulled.digest, pulled.manifest.length);

        // A refusal is a status. null is NULL: nobody has logged in.
        Pulled stranger = pull(null, organization, "latest");
        say("stranger", stranger.status);

        // An error is for a request that cannot be carried out. Programs look at the code; message, detail and hint are for people.
        String code = null;
        try {
            pushManifest(organization, manifestOf(bytes("nowhere"), layer), null, new String[] { "broken" }, robot);
        } catch (org.postgresql.util.PSQLException error) {
            code = error.getSQLState();
            say("error", code, error.getServerErrorMessage().getMessage());
            say("detail", error.getServerErrorMessage().getDetail());
            say("hint", error.getServerErrorMessage().getHint());
        }
        require(code != null, "a manifest without its blob is refused");

        // Calls of one transaction are undone together.
        try {
            transact(connection -> {
                createRepository(connection, organization, "draft", user, robot, "read");
                throw new Undo();
            });
        } catch (Undo undone) {
            // as it was meant
        }
        Object[] left = call("SELECT count(*) FROM quay.repository_get(namespace => ?, name => 'draft')", organization);

        // More threads than connections: they wait for one.
        ExecutorService executor = Executors.newFixedThreadPool(8);
        List<Callable<Pulled>> tasks = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            String tag = i % 2 == 0 ? "latest" : "v1";
            tasks.add(() -> pull(robot, organization, tag));
        }
        int atOnce = 0;
        for (Future<Pulled> future : executor.invokeAll(tasks))
            atOnce += Arrays.equals(future.get().manifest, manifest) ? 1 : 0;
        executor.shutdown();

        for (Connection connection : pool)
            connection.close();
        System.out.println("walk: " + pulled.digest + " tags=" + tags + " stranger=" + stranger.status + " error=" + code + " left=" + left[0]
            + " pulls=" + atOnce);
    }
}
