package dev.tunesmith.bench.verify;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.Tolerance;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.adapter.JoinedAdapter;
import dev.tunesmith.engine.adapter.JoinedAdapter.Member;
import dev.tunesmith.engine.adapter.factor.Combination;
import dev.tunesmith.engine.adapter.factor.Combination.MajoritySign;
import dev.tunesmith.engine.adapter.factor.Combination.Way;
import dev.tunesmith.engine.adapter.site.FileTensor;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tensor.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Several adapters of one base: each by itself, joined into one, and another one for every row.
final class CombinedCases implements CaseRunner {

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        Path base = golden.above(golden.text("base", ""));
        TokenBatch batch =
                Batches.padded(GoldenTensors.open(base.resolve("batch.safetensors")), "");
        GoldenTensors expected = golden.tensors("expected.safetensors").orElseThrow();
        ModelDirectory directory = ModelDirectory.open(base.resolve("model"));
        try (ModelRun run =
                new ModelRun(Decoder.load(directory, DType.F32, Decoder.Loading.MAPPED))) {
            for (Path adapter : adapters(golden)) {
                String name = "logits." + adapter.getFileName();
                comparison.golden(
                        name, logits(run, batch, adapter), expected, name, logits(golden));
            }
            if (golden.find("joined") instanceof Map<?, ?> joined) {
                joined.forEach((name, how) ->
                        join(
                                golden,
                                run,
                                batch,
                                new Wanted("" + name, (Map<?, ?>) how),
                                comparison));
            }
            perRow(golden, run, batch, expected, comparison);
        }
    }

    private static Tolerance logits(GoldenCase golden) {
        return golden.tolerance("logits");
    }

    private static List<Path> adapters(GoldenCase golden) {
        try (Stream<Path> folders = Files.list(golden.folder().resolve("adapters"))) {
            return folders.sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException("listing adapters", e);
        }
    }

    private static float[] logits(ModelRun run, TokenBatch batch, Path folder) {
        try (Adapter _ = Adapter.load(run.decoder(), folder)) {
            return run.forward(batch).logits();
        }
    }

    /// One combination that is asked for.
    private record Wanted(String name, Map<?, ?> how) {
        private double number(String key, double absent) {
            return how.get(key) instanceof Number number ? number.doubleValue() : absent;
        }

        Combination combination() {
            String way = String.valueOf(how.get("combination_type"));
            return new Combination(
                    Way.named(way)
                            .orElseThrow(() -> new UnsupportedCaseException("combination " + way)),
                    number("density", 1),
                    "frequency".equals(how.get("majority_sign_method"))
                            ? MajoritySign.FREQUENCY
                            : MajoritySign.TOTAL,
                    (int) number("svd_rank", 0),
                    number("svd_clamp", 1),
                    0);
        }

        List<Member> members(Path adapters) {
            List<Member> members = new ArrayList<>();
            if (how.get("members") instanceof List<?> names
                    && how.get("weights") instanceof List<?> weights) {
                for (int m = 0; m < names.size(); m++) {
                    double weight = ((Number) weights.get(m)).doubleValue();
                    members.add(new Member(adapters.resolve("" + names.get(m)), weight));
                }
            }
            return members;
        }
    }

    private static void join(
            GoldenCase golden,
            ModelRun run,
            TokenBatch batch,
            Wanted wanted,
            Comparison comparison) {
        JoinedAdapter joined =
                JoinedAdapter.of(
                        wanted.members(golden.folder().resolve("adapters")), wanted.combination());
        GoldenTensors factors =
                golden.tensors("joined_%s.safetensors".formatted(wanted.name)).orElseThrow();
        joined.tensors()
                .forEach((name, tensor) -> {
                    comparison.golden(
                            wanted.name + " " + name,
                            tensor.values(),
                            factors,
                            name,
                            logits(golden));
                    if (name.endsWith(".lora_A.weight")) {
                        product(joined, name, factors, golden, comparison);
                    }
                });
        try {
            Path folder = Files.createTempDirectory("joined");
            joined.write(folder);
            String name = "logits." + wanted.name;
            comparison.golden(
                    name,
                    logits(run, batch, folder),
                    golden.tensors("expected.safetensors").orElseThrow(),
                    name,
                    logits(golden));
            for (String file : List.of(Adapter.CONFIG, Adapter.WEIGHTS)) {
                Files.delete(folder.resolve(file));
            }
            Files.delete(folder);
        } catch (IOException e) {
            throw new UncheckedIOException("writing a joined adapter", e);
        }
    }

    /// Where signs of components are free, files hold products.
    private static void product(
            JoinedAdapter joined,
            String name,
            GoldenTensors factors,
            GoldenCase golden,
            Comparison comparison) {
        FileTensor a = joined.tensor(name);
        FileTensor b = joined.tensor(name.replace(".lora_A.", ".lora_B."));
        int rank = Math.toIntExact(a.shape().getFirst());
        String module =
                name.replaceFirst("^base_model\\.model\\.", "").replace(".lora_A.weight", "");
        comparison.golden(
                "product of " + module,
                new Combination.Joined(a.values(), b.values(), rank).product(),
                factors,
                "delta." + module,
                logits(golden));
    }

    private static void perRow(
            GoldenCase golden,
            ModelRun run,
            TokenBatch batch,
            GoldenTensors expected,
            Comparison comparison) {
        if (!(golden.find("per_row") instanceof Map<?, ?> rows)) {
            return;
        }
        int vocabulary = run.decoder().architecture().size().vocabulary();
        float[] mixed = new float[batch.tokens() * vocabulary];
        for (int row = 0; row < batch.documents(); row++) {
            String name = String.valueOf(rows.get("row_" + row));
            Path folder = golden.folder().resolve("adapters").resolve(name);
            int from = batch.cuSeqlens_D1()[row] * vocabulary;
            int to = batch.cuSeqlens_D1()[row + 1] * vocabulary;
            float[] logits =
                    Files.isDirectory(folder)
                            ? logits(run, batch, folder)
                            : run.forward(batch).logits();
            float[] part = Arrays.copyOfRange(logits, from, to);
            System.arraycopy(part, 0, mixed, from, part.length);
        }
        comparison.golden("logits per row", mixed, expected, "logits.per_row", logits(golden));
    }
}
