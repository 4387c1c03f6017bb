package dev.tunesmith.trainer.attempt;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.platform.json.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// The pipe to the parent: reports out, commands in, a sign of life every two seconds.
///
/// When the parent's end closes, the parent is gone and this process halts at once: an attempt
/// without a parent can report nothing and must not write on.
public final class ParentLink implements AutoCloseable {

    private static final Duration ALIVE_EVERY = Duration.ofSeconds(2);
    private static final Duration WAIT_SLICE = Duration.ofSeconds(1);

    private final PrintStream out;
    private final LongSupplier peakBytes;
    private final AtomicReference<ChildCommand.@Nullable Reason> stop = new AtomicReference<>();
    private final Map<Long, Answer> answers = new HashMap<>();
    private final Thread beat;
    private long lastNumber;

    /// What the parent said to a numbered report.
    sealed interface Answer {
        record Committed() implements Answer {}

        record Rejected(String reason) implements Answer {}
    }

    /// Opens the link: from now on nothing else may write to `out`.
    ///
    /// @param peakBytes highest resident size of this process so far
    public ParentLink(PrintStream out, LongSupplier peakBytes) {
        this.out = out;
        this.peakBytes = peakBytes;
        this.beat = Thread.ofPlatform().name("alive").daemon().start(this::beat);
    }

    /// Reads the first command and leaves a thread that reads all later ones.
    ///
    /// @param gone runs when the parent's end closes
    public ChildCommand listen(InputStream in, Runnable gone) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(in, UTF_8));
        String first = lines.readLine();
        if (first == null) {
            gone.run();
            throw new IOException("the parent closed the pipe before the first command");
        }
        Thread.ofPlatform().name("commands").daemon().start(() -> follow(lines, gone));
        return Json.read(first, ChildCommand.class);
    }

    private void follow(BufferedReader lines, Runnable gone) {
        try {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                take(Json.read(line, ChildCommand.class));
            }
        } catch (IOException e) {
            // A broken pipe says the same as a closed one.
        }
        gone.run();
    }

    private void take(ChildCommand command) {
        switch (command) {
            case ChildCommand.Stop(ChildCommand.Reason reason) -> takeStop(reason);
            case ChildCommand.Committed(long n) -> take(n, new Answer.Committed());
            case ChildCommand.Rejected(long n, String reason) ->
                    take(n, new Answer.Rejected(reason));
            case ChildCommand.Start _, ChildCommand.Validate _, ChildCommand.Prepare _ ->
                    throw new IllegalStateException("a child works once; came again: " + command);
        }
    }

    private void takeStop(ChildCommand.Reason reason) {
        // A reason that saves nothing overrules one that does, never the other way round.
        stop.accumulateAndGet(reason, (old, asked) -> old != null && !old.saves() ? old : asked);
        synchronized (answers) {
            answers.notifyAll();
        }
    }

    private void take(long n, Answer answer) {
        synchronized (answers) {
            answers.put(n, answer);
            answers.notifyAll();
        }
    }

    /// Why the attempt has to stop, if it has to.
    Optional<ChildCommand.Reason> stopAsked() {
        return Optional.ofNullable(stop.get());
    }

    /// A number for a report that waits for its answer.
    synchronized long nextNumber() {
        return ++lastNumber;
    }

    /// Whether report `n` has been answered, and how.
    Optional<Answer> answerTo(long n) {
        synchronized (answers) {
            return Optional.ofNullable(answers.get(n));
        }
    }

    /// Waits until report `n` is answered, or until a stop is asked that saves nothing.
    Optional<Answer> await(long n) throws InterruptedException {
        synchronized (answers) {
            while (!answers.containsKey(n)) {
                if (stopAsked().filter(reason -> !reason.saves()).isPresent()) {
                    return Optional.empty();
                }
                answers.wait(WAIT_SLICE.toMillis());
            }
            return Optional.of(answers.get(n));
        }
    }

    /// Writes one line. Lines of several threads never mix.
    public void send(ChildReport report) {
        String line = Json.text(report);
        synchronized (out) {
            out.print(line);
            out.print('\n');
            out.flush();
        }
    }

    private void beat() {
        try {
            while (true) {
                send(new ChildReport.Alive(peakBytes.getAsLong()));
                Thread.sleep(ALIVE_EVERY);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Ends the signs of life.
    @Override
    public void close() {
        beat.interrupt();
    }
}
