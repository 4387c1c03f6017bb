package dev.tunesmith.contracts.fit;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// How much memory a training job takes at its peak, term by term.
///
/// Pure arithmetic on shapes, checked before step 1; measured peaks correct the constants. N are
/// the tokens of a batch, the widths are those of [ModelFacts].
///
/// @param workload what was planned
/// @param sections the terms in the order in which they are shown
public record MemoryPlan(Workload workload, List<Section> sections) {
    /// What a JVM with our kernels takes before the first tensor: 100 MiB for `bench`, 170 MiB for
    /// a trainer's child. Where libtorch multiplies it takes 110 MiB more.
    public static final long FIXED_BYTES = 144L << 20;

    /// Share that the allocator loses to fragmentation.
    private static final double FRAGMENTATION = 0.02;

    /// Tables of the codes of one quantised matrix.
    private static final long CODE_TABLES = 1216;

    private static final int LORA_RANK_ADVISED = 16;

    private static final String DRAWING = "drawing";
    private static final String COMPANIONS = "companions";

    /// Four bits, an 8-bit scale for 64 values and an fp32 scale for 256 of those.
    private static final double NF4_BITS = 4 + 8.0 / 64 + 32.0 / (64 * 256);

    private static final int ROW_TOKENS_MIN = 128;

    public MemoryPlan {
        sections = List.copyOf(sections);
    }

    /// One term.
    ///
    /// @param name stable key: `weights`, `gradients`, `optimizer`, `activations`, `workspace`,
    ///   `drawing` where answers are drawn, `companions` where there are other models, `fixed`,
    ///   `fragmentation`
    /// @param formula how it was computed, for a person
    public record Section(String name, long bytes, String formula) {}

    /// The cheapest change that makes a job fit.
    ///
    /// @param changes settings by key of the create body, in words: `micro_batch 1`
    public record Alternative(List<String> changes, Workload workload, long bytes) {
        public Alternative {
            changes = List.copyOf(changes);
        }
    }

    public static MemoryPlan of(ModelFacts given, Workload work) {
        ModelFacts model = PartSize.grown(given, work);
        long trained =
                work.lora()
                        ? AdapterSize.trained(model, work) + PartSize.beside(model, work)
                        : PartSize.trained(model, work);
        OptimizerSize size = OptimizerSize.of(model, work, trained);
        StepSize step = new StepSize(model, work);
        List<Section> all =
                List.of(
                        weights(model, work, trained),
                        new Section(
                                "gradients",
                                size.gradients(),
                                "4 bytes × %d trained".formatted(size.gradients() / 4)),
                        optimizer(size),
                        activations(step, work),
                        workspace(step, model, work),
                        drawing(step, model, work),
                        companions(step, model, work));
        List<Beside> others = others(model, work);
        List<Section> terms =
                all.stream()
                        .filter(term -> work.drawn() > 0 || !term.name().equals(DRAWING))
                        .filter(term -> !others.isEmpty() || !term.name().equals(COMPANIONS))
                        .toList();
        long moving = terms.stream().mapToLong(Section::bytes).sum();
        Section fragmentation =
                new Section(
                        "fragmentation",
                        (long) (moving * FRAGMENTATION),
                        "%.0f %% of the above".formatted(100 * FRAGMENTATION));
        Section fixed = new Section("fixed", FIXED_BYTES, "JVM and kernels");
        return new MemoryPlan(
                work, Stream.concat(terms.stream(), Stream.of(fragmentation, fixed)).toList());
    }

    private static Section weights(ModelFacts model, Workload work, long trained) {
        int bytes = work.bf16() ? 2 : 4;
        // In bf16 each has an fp32 master.
        long value = work.bf16() ? 6 : 4;
        long adapter = work.lora() ? value * trained : 0;
        long codes = work.quantised() ? model.linearParameters() : 0;
        long plain = model.parameters() - codes;
        long tables = codes > 0 ? CODE_TABLES * model.layers() * model.linears().size() : 0;
        return new Section(
                "weights",
                bytes * plain
                        + (long) (codes * work.frozenBits() / 8)
                        + tables
                        + adapter
                        + bytes * AdapterSize.replaced(model, work),
                "%d bytes × %d parameters%s%s"
                        .formatted(
                                bytes,
                                plain,
                                work.quantised()
                                        ? String.format(
                                                Locale.ROOT,
                                                " + %.3f bits × %d quantised",
                                                work.frozenBits(),
                                                codes)
                                        : "",
                                work.lora()
                                        ? " + %d bytes × %d of the adapter"
                                                .formatted(value, trained)
                                        : ""));
    }

    private static Section optimizer(OptimizerSize size) {
        return new Section("optimizer", size.states() + size.masters(), size.reason());
    }

    /// What the forward pass keeps for the way back.
    private static Section activations(StepSize step, Workload work) {
        return new Section(
                "activations",
                step.kept(),
                "%d bytes × %d tokens (%d rows of %d), recompute %s"
                        .formatted(
                                step.kept() / Math.max(1, work.tokens()),
                                work.tokens(),
                                work.microBatch(),
                                work.rowTokens(),
                                work.recompute().wire()));
    }

    /// Working memory of the loss, or of the way back through one layer, whichever is more.
    private static Section workspace(StepSize step, ModelFacts model, Workload work) {
        return new Section(
                "workspace",
                step.workspace(),
                "logits of %d rows × %d words, or gradients inside one layer%s; %d threads"
                        .formatted(
                                step.chunkRows(),
                                model.vocabulary(),
                                work.quantised() ? " with one decoded matrix" : "",
                                work.threads()));
    }

    /// What drawing answers takes more than the step, whose memory it uses before.
    private static Section drawing(StepSize step, ModelFacts model, Workload work) {
        long drawing = work.drawn() == 0 ? 0 : StepSize.drawing(model, work);
        return new Section(
                DRAWING,
                Math.max(0, drawing - step.arena()),
                "copies of the matrices, keys and values of %d answers of %d tokens, beyond the two above"
                        .formatted(work.drawn(), work.rowTokens()));
    }

    private static List<Beside> others(ModelFacts model, Workload work) {
        return work.beside().stream().filter(other -> other.parameters(model, work) > 0).toList();
    }

    /// The other models, which work when the step has not begun.
    private static Section companions(StepSize step, ModelFacts model, Workload work) {
        long weights = work.beside().stream().mapToLong(other -> other.weights(model, work)).sum();
        long working =
                work.beside().stream()
                        .mapToLong(other -> other.working(model, work))
                        .max()
                        .orElse(0);
        long drawing = work.drawn() == 0 ? 0 : StepSize.drawing(model, work);
        long there = Math.max(step.arena(), drawing);
        String names =
                others(model, work).stream()
                        .map(other ->
                                "%s %d".formatted(other.name(), other.parameters(model, work)))
                        .collect(Collectors.joining(" + "));
        return new Section(
                COMPANIONS,
                weights + Math.max(0, working - there),
                "%d bytes × parameters (%s), and what they work with beyond the step"
                        .formatted(work.bf16() ? 2 : 4, names));
    }

    /// Bytes of all sections.
    public long total() {
        return sections.stream().mapToLong(Section::bytes).sum();
    }

    public long section(String name) {
        return sections.stream()
                .filter(section -> section.name().equals(name))
                .mapToLong(Section::bytes)
                .sum();
    }

    public boolean fits(long availableBytes) {
        return total() <= availableBytes;
    }

    /// The first change, tried from cheap to dear and added up, that makes the job fit: smaller
    /// batches and checkpointing (same result), LoRA, quantised weights, shorter rows.
    public Optional<Alternative> advice(ModelFacts model, long availableBytes) {
        var ladder = new Ladder(model, availableBytes, workload);
        ladder.halveBatches();
        if (!workload.recompute().blocks()) {
            ladder.change(
                    "gradient_checkpointing true", work -> work.withRecompute(Recompute.BLOCK));
        }
        if (!workload.lora()) {
            ladder.change(
                    "adapter lora with rank " + LORA_RANK_ADVISED,
                    work -> work.withLora(LORA_RANK_ADVISED));
        }
        if (!workload.quantised()) {
            ladder.change("adapter qlora", work -> work.withFrozenBits(NF4_BITS));
        }
        ladder.halveRows();
        return ladder.found();
    }

    /// The refusal of a job that does not fit: the numbers and what to change.
    public String refusal(ModelFacts model, long availableBytes) {
        String need =
                "needs %s of memory, this device has %s (%s)"
                        .formatted(gib(total()), gib(availableBytes), biggest());
        return need
                + advice(model, availableBytes)
                        .map(found ->
                                "; fits with %s (%s)"
                                        .formatted(
                                                String.join(", ", found.changes()),
                                                gib(found.bytes())))
                        .orElse("; no setting makes it fit, choose a smaller model");
    }

    private String biggest() {
        return sections.stream()
                .sorted((a, b) -> Long.compare(b.bytes(), a.bytes()))
                .limit(3)
                .map(section -> section.name() + " " + gib(section.bytes()))
                .reduce((left, right) -> left + ", " + right)
                .orElse("");
    }

    private static String gib(long bytes) {
        return String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
    }

    /// Adds changes until the plan fits.
    private static final class Ladder {
        private final ModelFacts model;
        private final long available;
        private Workload work;
        private final LinkedHashMap<String, String> changes = new LinkedHashMap<>();

        private Ladder(ModelFacts model, long available, Workload start) {
            this.model = model;
            this.available = available;
            this.work = start;
        }

        private boolean done() {
            return MemoryPlan.of(model, work).fits(available);
        }

        private void change(String words, UnaryOperator<Workload> changed) {
            if (!done()) {
                work = changed.apply(work);
                changes.put(words.substring(0, words.indexOf(' ')), words);
            }
        }

        private void halveBatches() {
            while (!done() && work.microBatch() > 1) {
                work = work.withMicroBatch(work.microBatch() / 2);
                changes.put("micro_batch", "micro_batch " + work.microBatch());
            }
        }

        private void halveRows() {
            while (!done() && work.rowTokens() / 2 >= ROW_TOKENS_MIN) {
                work = work.withRowTokens(work.rowTokens() / 2);
                changes.put("max_seq_len", "max_seq_len " + work.rowTokens());
            }
        }

        private Optional<Alternative> found() {
            return done()
                    ? Optional.of(
                            new Alternative(
                                    List.copyOf(changes.values()),
                                    work,
                                    MemoryPlan.of(model, work).total()))
                    : Optional.empty();
        }
    }
}
