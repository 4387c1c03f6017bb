package dev.tunesmith.engine.decode;

import dev.tunesmith.engine.tensor.Device;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Continuous batching on one device thread: requests join and leave between steps, and each step
/// continues everything that runs on a model in one forward pass. Running requests come first, so
/// that a long prompt never stops the answers of others; prompts are read in chunks from the rest
/// of the step's budget.
public final class Batcher implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Batcher.class);
    private static final long IDLE_MS = 1000;

    private final Limits limits;
    private final LinkedBlockingQueue<Runnable> commands = new LinkedBlockingQueue<>();
    private final Map<CausalModel, Lane> lanes = new LinkedHashMap<>();
    private final Thread thread;
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean closing;
    private volatile int waiting;
    private volatile int running;

    public Batcher(Limits limits) {
        this.limits = limits;
        this.thread = Thread.ofPlatform().name("device").daemon().start(this::run);
    }

    /// Runs a task on the device thread between two steps and waits for it: loading and closing
    /// models.
    ///
    /// @throws ExecutionException with what the task threw
    /// @throws java.util.concurrent.CancellationException when the batcher was closed before
    public <T> T onDevice(Callable<T> task) throws ExecutionException, InterruptedException {
        var future = new FutureTask<>(task);
        commands.add(future);
        if (ended.getCount() == 0) {
            future.cancel(false);
        }
        return future.get();
    }

    /// Adds a request.
    ///
    /// @return empty when as many requests wait as may
    public Optional<Generation> submit(CausalModel model, Generation.Request request) {
        if (closing || waiting >= limits.waitingMax()) {
            return Optional.empty();
        }
        var generation = new Generation(request);
        commands.add(() -> lane(model).waiting.add(generation));
        return Optional.of(generation);
    }

    /// False once the batcher has been closed: the device thread is gone then.
    public boolean isOpen() {
        return !closing;
    }

    /// Requests that wait for a place.
    public int waiting() {
        return waiting;
    }

    /// Requests that run.
    public int running() {
        return running;
    }

    private Lane lane(CausalModel model) {
        return lanes.computeIfAbsent(model, _ -> new Lane());
    }

    private void run() {
        try {
            Device.current().enter();
            while (!closing || !lanes.isEmpty()) {
                takeCommands();
                step();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            lanes.values().forEach(lane -> lane.endAll(Generation.End.FAILED));
            ended.countDown();
            cancelLeftTasks();
        }
    }

    /// Whoever waits for a task that comes too late must not wait for ever.
    private void cancelLeftTasks() {
        for (Runnable command = commands.poll(); command != null; command = commands.poll()) {
            if (command instanceof FutureTask<?> task) {
                task.cancel(false);
            }
        }
    }

    /// Sleeps only when nothing runs.
    private void takeCommands() throws InterruptedException {
        Runnable command =
                lanes.isEmpty() ? commands.poll(IDLE_MS, TimeUnit.MILLISECONDS) : commands.poll();
        while (command != null) {
            command.run();
            command = commands.poll();
        }
    }

    private void step() {
        int inWait = 0;
        int inRun = 0;
        for (var entry : lanes.entrySet()) {
            Lane lane = entry.getValue();
            lane.dropCancelled();
            lane.admit(entry.getKey(), limits);
            if (!lane.active.isEmpty()) {
                stepOf(entry.getKey(), lane);
            }
            inWait += lane.waiting.size();
            inRun += lane.active.size();
        }
        waiting = inWait;
        running = inRun;
        lanes.values().removeIf(Lane::isEmpty);
    }

    private void stepOf(CausalModel model, Lane lane) {
        List<Generation> members = new ArrayList<>();
        List<CausalModel.Chunk> chunks = lane.plan(limits.tokensPerStep(), members);
        List<List<Logits>> rows;
        try {
            rows = model.step(chunks);
        } catch (RuntimeException e) {
            LOG.error("a step of {} sequences failed, they end", members.size(), e);
            lane.endAll(Generation.End.FAILED);
            return;
        }
        for (int i = 0; i < members.size(); i++) {
            if (!rows.get(i).isEmpty() && members.get(i).accept(rows.get(i))) {
                lane.active.remove(members.get(i));
            }
        }
    }

    /// Lets what runs come to its end, then ends the thread.
    @Override
    public void close() {
        closing = true;
        commands.add(() -> {});
        try {
            if (!ended.await(limits.drainSeconds(), TimeUnit.SECONDS)) {
                thread.interrupt();
                commands.add(
                        () -> lanes.values().forEach(lane -> lane.endAll(Generation.End.FAILED)));
                ended.await();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// Bounds of the batcher.
    ///
    /// @param runningMax sequences in one step of a model
    /// @param waitingMax requests that wait for a place, more are refused
    /// @param tokensPerStep decode tokens and prompt chunks of one step together
    /// @param drainSeconds how long [Batcher#close] lets running requests go on
    public record Limits(int runningMax, int waitingMax, int tokensPerStep, int drainSeconds) {}

    /// The requests of one model.
    private static final class Lane {
        private final Deque<Generation> waiting = new ArrayDeque<>();
        private final List<Generation> active = new ArrayList<>();

        private boolean isEmpty() {
            return waiting.isEmpty() && active.isEmpty();
        }

        private void dropCancelled() {
            for (List<Generation> list : List.of(List.copyOf(active), List.copyOf(waiting))) {
                for (Generation generation : list) {
                    if (generation.isCancelled()) {
                        active.remove(generation);
                        waiting.remove(generation);
                        generation.end(Generation.End.CANCELLED);
                    }
                }
            }
        }

        private void admit(CausalModel model, Limits limits) {
            while (active.size() < limits.runningMax()
                    && !waiting.isEmpty()
                    && model.hasRoom(waiting.element().capacity())) {
                Generation next = waiting.remove();
                next.openOn(model);
                active.add(next);
            }
        }

        /// Decodes first, then prompts while the budget lasts.
        private List<CausalModel.Chunk> plan(int budget, List<Generation> members) {
            var chunks = new ArrayList<CausalModel.Chunk>();
            int left = budget;
            for (boolean prefilling : new boolean[] {false, true}) {
                for (Generation generation : active) {
                    if (left > 0
                            && generation.isPrefilling() == prefilling
                            && !members.contains(generation)) {
                        CausalModel.Chunk chunk = generation.next(left);
                        left -= chunk.tokens().length;
                        chunks.add(chunk);
                        members.add(generation);
                    }
                }
            }
            return chunks;
        }

        private void endAll(Generation.End end) {
            for (Generation generation : List.copyOf(active)) {
                generation.end(end);
            }
            for (Generation generation : waiting) {
                generation.end(end);
            }
            active.clear();
            waiting.clear();
        }
    }
}
