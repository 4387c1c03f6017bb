package dev.tunesmith.migrations;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Every pair of states, tried on the real row.
@Tag("servers")
final class TransitionMatrixTest {
    private final Schema schema = Schema.fresh();
    private final List<String> accepted = new ArrayList<>();
    private final List<String> refused = new ArrayList<>();

    @Test
    void acceptsThe31LegalMovesAndNoneOfTheOther101() throws SQLException {
        List<String> legal =
                schema.scheduler()
                        .column("SELECT from_state || '>' || to_state FROM job_transition");

        for (String from : Moves.STATES) {
            tryAllFrom(from);
        }

        assertThat(accepted).hasSize(31).containsExactlyInAnyOrderElementsOf(legal);
        assertThat(refused).hasSize(101);
    }

    /// Walks a new job to the state, and tries every other state from there; nothing is committed.
    private void tryAllFrom(String from) throws SQLException {
        String where = " WHERE job_id = '%s'".formatted(submit());
        Sql login = schema.scheduler();
        try (Connection connection =
                        DriverManager.getConnection(
                                schema.owner().url(), login.user(), login.password());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (String state : Moves.wayTo(from)) {
                assertThat(statement.executeUpdate(Moves.to(state) + where)).isOne();
            }
            Savepoint start = connection.setSavepoint();
            for (String to : Moves.STATES) {
                if (!to.equals(from)) {
                    note(from + ">" + to, accepts(statement, Moves.to(to) + where));
                    connection.rollback(start);
                }
            }
            connection.rollback();
        }
    }

    private UUID submit() {
        return schema.submit(schema.mine(), 1);
    }

    private static boolean accepts(Statement statement, String move) {
        try {
            return statement.executeUpdate(move) == 1;
        } catch (SQLException e) {
            assertThat(e.getMessage()).contains("illegal transition");
            return false;
        }
    }

    private void note(String move, boolean done) {
        (done ? accepted : refused).add(move);
    }
}
