package dev.tunesmith.migrations;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/// The logins of the services. A login has a password and the roles of its service, nothing of its
/// own, so that passwords change without touching a grant.
public final class Logins {
    /// Login of api-service.
    public static final String API = "api";

    /// Login of scheduler-service, relay and retention included.
    public static final String SCHEDULER = "scheduler";

    private Logins() {}

    /// Creates the logins that are missing and sets their passwords and time-outs.
    public static void set(Owner owner, String apiPassword, String schedulerPassword) {
        try (Connection connection = owner.connect()) {
            set(connection, API, apiPassword, List.of("ts_api"));
            set(
                    connection,
                    SCHEDULER,
                    schedulerPassword,
                    List.of("ts_scheduler", "ts_relay", "ts_janitor"));
        } catch (SQLException e) {
            throw new IllegalStateException("cannot set the logins with " + owner, e);
        }
    }

    private static void set(
            Connection connection, String login, String password, List<String> roles)
            throws SQLException {
        String verb = exists(connection, login) ? "ALTER" : "CREATE";
        try (Statement statement = connection.createStatement()) {
            statement.execute(
                    formatted(
                            connection,
                            verb + " ROLE %I LOGIN NOCREATEDB NOCREATEROLE PASSWORD %L",
                            login,
                            password));
            statement.execute(
                    formatted(connection, "ALTER ROLE %I SET statement_timeout = %L", login, "5s"));
            statement.execute(
                    formatted(connection, "ALTER ROLE %I SET lock_timeout = %L", login, "1s"));
            statement.execute(
                    formatted(
                            connection,
                            "ALTER ROLE %I SET idle_in_transaction_session_timeout = %L",
                            login,
                            "150s"));
            for (String role : roles) {
                statement.execute(formatted(connection, "GRANT %I TO %I", role, login));
            }
        }
    }

    private static boolean exists(Connection connection, String login) throws SQLException {
        try (PreparedStatement query =
                connection.prepareStatement("SELECT 1 FROM pg_roles WHERE rolname = ?")) {
            query.setString(1, login);
            try (ResultSet row = query.executeQuery()) {
                return row.next();
            }
        }
    }

    /// Utility statements take no parameters; the server itself quotes names (`%I`) and texts
    /// (`%L`).
    private static String formatted(
            Connection connection, String template, String first, String second)
            throws SQLException {
        try (PreparedStatement query = connection.prepareStatement("SELECT format(?, ?, ?)")) {
            query.setString(1, template);
            query.setString(2, first);
            query.setString(3, second);
            try (ResultSet row = query.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        }
    }
}
