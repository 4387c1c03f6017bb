package dev.tunesmith.migrations;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;

/// The login that owns the schema. Forced row-level security binds it like everybody else.
///
/// @param url JDBC URL of the database
public record Owner(String url, String user, String password) {
    /// The owner that an embedded server has.
    public static Owner embedded(String url, String password) {
        return new Owner(url, "tunesmith", password);
    }

    Connection connect() throws SQLException {
        return DriverManager.getConnection(url, user, password);
    }

    @Override
    public String toString() {
        return "Owner[%s, %s, ***]".formatted(url, user);
    }
}
