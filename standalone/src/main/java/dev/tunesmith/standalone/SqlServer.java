package dev.tunesmith.standalone;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/// A PostgreSQL server that answers, whoever runs it: its address, and what its superuser does
/// there for the platform.
///
/// @param password of the superuser `postgres` and of the owner `tunesmith`
public record SqlServer(String host, int port, String password) {
    /// The login that owns the schema.
    public static final String OWNER = "tunesmith";

    static final String SUPERUSER = "postgres";

    /// The JDBC URL of a database of this server.
    public String url(String database) {
        return "jdbc:postgresql://%s:%d/%s".formatted(host, port, database);
    }

    /// The JDBC URL of the database `tunesmith`.
    public String url() {
        return url(OWNER);
    }

    /// Creates a database, as a copy of another one.
    ///
    /// @param template nobody may be connected to it meanwhile
    public void createDatabase(String name, String template) {
        execute("CREATE DATABASE \"%s\" TEMPLATE \"%s\"".formatted(word(name), word(template)));
    }

    /// Asserts durability, and makes the owner and its database when they are missing. The owner
    /// may create roles and databases and is no superuser, so that row-level security binds it too.
    ///
    /// @throws IllegalStateException when the server would forget what it has confirmed
    void prepare() {
        try (Connection connection =
                        DriverManager.getConnection(url(SUPERUSER), SUPERUSER, password);
                Statement statement = connection.createStatement()) {
            for (String setting : List.of("fsync", "synchronous_commit", "full_page_writes")) {
                String value = one(statement, "SHOW " + setting);
                if (!value.equals("on")) {
                    throw new IllegalStateException(setting + " is " + value + ", must be on");
                }
            }
            if (one(statement, "SELECT count(*) FROM pg_roles WHERE rolname = 'tunesmith'")
                    .equals("0")) {
                String create =
                        one(
                                statement,
                                "SELECT format('CREATE ROLE tunesmith LOGIN CREATEROLE CREATEDB"
                                        + " PASSWORD %%L', '%s')"
                                                .formatted(password.replace("'", "''")));
                statement.execute(create);
            }
            if (one(statement, "SELECT count(*) FROM pg_database WHERE datname = 'tunesmith'")
                    .equals("0")) {
                statement.execute("CREATE DATABASE tunesmith OWNER tunesmith");
            }
        } catch (SQLException e) {
            throw new IllegalStateException("cannot prepare PostgreSQL at " + url(), e);
        }
    }

    private void execute(String sql) {
        try (Connection connection = DriverManager.getConnection(url(), OWNER, password);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException("PostgreSQL refused: " + sql, e);
        }
    }

    private static String one(Statement statement, String sql) throws SQLException {
        try (ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    private static String word(String name) {
        if (!name.matches("[a-zA-Z0-9_]{1,63}")) {
            throw new IllegalArgumentException("not a database name: " + name);
        }
        return name;
    }
}
