package dev.tunesmith.trainer.attempt;

import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.DataTask;
import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.engine.tensor.DeviceException;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.trainer.tracker.Trackers;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.SplittableRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Reads the one command of this process, does it and turns every end into a report and a code.
public final class ChildWork {

    private static final Logger LOG = LoggerFactory.getLogger(ChildWork.class);

    private final ChildSettings settings;
    private final ParentLink parent;

    public ChildWork(ChildSettings settings, ParentLink parent) {
        this.settings = settings;
        this.parent = parent;
    }

    /// Returns the exit status of the process.
    ///
    /// @param parentGone runs when the parent closes its end of the pipe
    public int run(InputStream commands, Runnable parentGone) {
        try {
            return work(parent.listen(commands, parentGone));
        } catch (AttemptFailure e) {
            return failed(e);
        } catch (OutOfMemoryError e) {
            return failed(
                    AttemptFailure.memory(
                            "the training process ran out of memory (%s); lower max_seq_len"
                                            .formatted(e.getMessage())
                                    + " or the batch size, or train an adapter",
                            e));
        } catch (IOException e) {
            return failed(disk(e));
        } catch (UncheckedIOException e) {
            return failed(
                    disk(Objects.requireNonNullElseGet(e.getCause(), () -> new IOException(e))));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return failed(AttemptFailure.internal("interrupted"));
        } catch (RuntimeException | LinkageError e) {
            LOG.error("the attempt failed by a fault of this program", e);
            return failed(AttemptFailure.internal(e.toString()));
        }
    }

    private int work(ChildCommand command) throws IOException, InterruptedException {
        ObjectStore objects = settings.objects().open();
        StoragePatience patience =
                new StoragePatience(
                        settings.storagePatience(),
                        new SplittableRandom(),
                        System::nanoTime,
                        Thread::sleep);
        try (Room room = Room.open(settings.workDir().resolve("rooms"))) {
            Storage storage =
                    new Storage(
                            objects,
                            patience,
                            settings.workDir().resolve("cache"),
                            room.folder("building"));
            storage.makeRoom(settings.cacheBytesMax());
            return switch (command) {
                case ChildCommand.Start start -> train(start, storage, room);
                case ChildCommand.Validate validate ->
                        new CheckTask(validate.task(), parent, storage, room).run();
                case ChildCommand.Prepare(DataTask task) ->
                        new DataWork(task, parent, storage, room.folder("made")).run();
                case ChildCommand.Committed _, ChildCommand.Rejected _, ChildCommand.Stop _ ->
                        throw AttemptFailure.internal("the first command was " + command);
            };
        }
    }

    private int train(ChildCommand.Start start, Storage storage, Room room)
            throws IOException, InterruptedException {
        Device.use(device());
        try (Trackers trackers = Trackers.start(start.work(), settings.trackers())) {
            int status = new TrainTask(start, parent, storage, room, trackers).run();
            if (status == ExitCode.FINISHED) {
                trackers.finished();
            } else {
                trackers.stopped();
            }
            return status;
        }
    }

    private Device device() {
        try {
            return Device.named(settings.device());
        } catch (DeviceException e) {
            throw AttemptFailure.device(e);
        }
    }

    private static AttemptFailure disk(IOException e) {
        LOG.error("the local disk fails", e);
        return AttemptFailure.disk(e);
    }

    private int failed(AttemptFailure failure) {
        LOG.warn("the attempt ends: {}", failure.getMessage());
        parent.send(failure.report());
        return failure.exitCode();
    }
}
