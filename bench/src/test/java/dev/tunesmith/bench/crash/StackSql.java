package dev.tunesmith.bench.crash;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What the database of a stack says, read by its superuser, whom no row-level security binds. A
/// new connection for each question: the server is killed now and then.
record StackSql(PackagedStack stack) {
    /// The only value of the only row, as text.
    String one(String sql, Object... values) {
        List<String> rows = all(sql, values);
        if (rows.size() != 1) {
            throw new AssertionError("%d rows from %s".formatted(rows.size(), sql));
        }
        return rows.getFirst();
    }

    /// The same, or nothing while the server is away.
    Optional<List<String>> tryAll(String sql, Object... values) {
        try {
            return Optional.of(all(sql, values));
        } catch (IllegalStateException _) {
            return Optional.empty();
        }
    }

    /// The first column of all rows, as text.
    List<String> all(String sql, Object... values) {
        String url =
                "jdbc:postgresql://127.0.0.1:%s/tunesmith?connectTimeout=5"
                        .formatted(stack.properties("ports.properties").getProperty("sql"));
        String password = stack.properties("secrets.properties").getProperty("sql-owner");
        try (Connection connection = DriverManager.getConnection(url, "postgres", password);
                PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            var rows = new ArrayList<String>();
            try (ResultSet found = statement.executeQuery()) {
                while (found.next()) {
                    rows.add(String.valueOf(found.getString(1)));
                }
            }
            return rows;
        } catch (SQLException e) {
            throw new IllegalStateException("the database refused: " + sql, e);
        }
    }
}
