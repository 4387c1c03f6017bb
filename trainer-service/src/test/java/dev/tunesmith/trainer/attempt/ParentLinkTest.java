package dev.tunesmith.trainer.attempt;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.ChildCommand.Reason;
import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.job.Phase;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.trainer.attempt.ParentLink.Answer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ParentLinkTest {

    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final PipedOutputStream parentSide = new PipedOutputStream();
    private final PipedInputStream childSide = new PipedInputStream();
    private final CountDownLatch gone = new CountDownLatch(1);
    private final ParentLink link =
            new ParentLink(new PrintStream(written, true, UTF_8), () -> 42L);

    @BeforeEach
    void listens() throws IOException {
        parentSide.connect(childSide);
        command(new ChildCommand.Committed(0));
        ChildCommand _ = link.listen(childSide, gone::countDown);
    }

    @AfterEach
    void ends() throws IOException {
        link.close();
        parentSide.close();
    }

    @Test
    void aWaitingReportHearsItsAnswer() throws Exception {
        command(new ChildCommand.Rejected(7, "hash"));
        command(new ChildCommand.Committed(8));

        assertThat(link.await(8)).contains(new Answer.Committed());
        assertThat(link.answerTo(7)).contains(new Answer.Rejected("hash"));
        assertThat(link.answerTo(9)).isEmpty();
    }

    @Test
    void aCancelOverrulesAPauseAndNotTheOtherWayRound() throws Exception {
        command(new ChildCommand.Stop(Reason.PAUSE));
        command(new ChildCommand.Stop(Reason.CANCEL));
        command(new ChildCommand.Stop(Reason.DRAIN));
        command(new ChildCommand.Committed(1));
        Optional<Answer> _ = link.await(1);

        assertThat(link.stopAsked()).contains(Reason.CANCEL);
    }

    @Test
    void aCancelEndsTheWaitingForAnAnswer() throws Exception {
        command(new ChildCommand.Stop(Reason.FENCED));

        assertThat(link.await(5)).isEmpty();
    }

    @Test
    void saysThatTheParentIsGoneWhenThePipeEnds() throws Exception {
        parentSide.close();

        assertThat(gone.await(5, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void everyReportIsOneLine() {
        link.send(new ChildReport.Entered(Phase.TRAINING, 3, 10));

        List<String> lines = written.toString(UTF_8).lines().toList();
        assertThat(Json.read(lines.getLast(), ChildReport.class))
                .isEqualTo(new ChildReport.Entered(Phase.TRAINING, 3, 10));
    }

    private void command(ChildCommand command) throws IOException {
        parentSide.write((Json.text(command) + "\n").getBytes(UTF_8));
        parentSide.flush();
    }
}
