package dev.tunesmith.migrations;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/// Plain statements as one login, each call a transaction that may set variables first.
record Sql(Owner owner, String user, String password, List<String> before) {
    static Sql as(Owner owner, String user, String password) {
        return new Sql(owner, user, password, List.of());
    }

    /// The same login, with a transaction variable.
    Sql with(String name, String value) {
        var more = new ArrayList<>(before);
        more.add("SELECT set_config('%s', '%s', true)".formatted(name, value));
        return new Sql(owner, user, password, List.copyOf(more));
    }

    /// The first column of the only row.
    String one(String sql) {
        List<String> rows = column(sql);
        if (rows.size() != 1) {
            throw new AssertionError(rows.size() + " rows: " + sql);
        }
        return rows.getFirst();
    }

    /// The first column of every row, "null" for a null.
    List<String> column(String sql) {
        return run(statement -> {
            var result = new ArrayList<String>();
            try (ResultSet rows = statement.executeQuery(sql)) {
                while (rows.next()) {
                    result.add(String.valueOf(rows.getString(1)));
                }
            }
            return result;
        });
    }

    /// How many rows the statement changed.
    int update(String sql) {
        return run(statement -> statement.executeUpdate(sql));
    }

    /// The SQL state and message that the statement fails with.
    String failure(String sql) {
        try {
            int rows = update(sql);
            throw new AssertionError("succeeded with " + rows + " rows: " + sql);
        } catch (Refused e) {
            return String.valueOf(e.getMessage());
        }
    }

    private interface Work<T> {
        T on(Statement statement) throws SQLException;
    }

    /// What the server refused: its SQL state and message.
    static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Refused(SQLException cause) {
            super(cause.getSQLState() + " " + cause.getMessage(), cause);
        }
    }

    private <T> T run(Work<T> work) {
        try (Connection connection = DriverManager.getConnection(owner.url(), user, password);
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (String sql : before) {
                statement.execute(sql);
            }
            T result = work.on(statement);
            connection.commit();
            return result;
        } catch (SQLException e) {
            throw new Refused(e);
        }
    }
}
