package dev.tunesmith.engine.adapter.kind;

import dev.tunesmith.engine.adapter.kind.AdaLoraConfig.Schedule;
import dev.tunesmith.engine.adapter.site.Companion;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.ParameterGradients;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Decides which components of all modules of an AdaLoRA stay, and keeps its factors orthogonal
/// (arXiv 2303.10512, as PEFT implements it: importance mixes a value after a step with the
/// gradient before it).
final class RankBudget implements Companion {

    private static final String FILE = "rank_budget.safetensors";
    private static final String KEPT = ".kept";

    private final Schedule schedule;
    private final List<Triplet> triplets;
    private final Map<String, float[]> gradients = new TreeMap<>();
    private final Map<String, float[]> importance = new TreeMap<>();
    private final Map<String, float[]> uncertainty = new TreeMap<>();
    private final Map<String, List<Boolean>> kept = new TreeMap<>();

    /// The factors of a module.
    record Triplet(String module, Parameter a_RI, Parameter e_R, Parameter b_OR) {
        int rank() {
            return (int) e_R.value().elements();
        }

        List<Parameter> all() {
            return List.of(a_RI, e_R, b_OR);
        }
    }

    RankBudget(Schedule schedule, List<Triplet> triplets) {
        this.schedule = schedule;
        this.triplets = List.copyOf(triplets);
    }

    @Override
    public Map<String, List<Boolean>> kept() {
        return kept;
    }

    @Override
    public double penalty(double scale) {
        double factor = schedule.orthogonality() / (2.0 * triplets.size());
        double sum = 0;
        for (Triplet triplet : triplets) {
            int rank = triplet.rank();
            sum += deviation(triplet.a_RI, rank, true, scale * factor);
            sum += deviation(triplet.b_OR, rank, false, scale * factor);
        }
        return factor * sum;
    }

    /// Frobenius norm of `F·Fᵀ − I`, where F has one row a component; adds the gradient of `scale`
    /// times it.
    private static double deviation(Parameter factor, int rank, boolean rows, double scale) {
        float[] values = factor.best();
        int width = rank == 0 ? 0 : values.length / rank;
        double[] m = new double[rank * rank];
        double sum = 0;
        for (int i = 0; i < rank; i++) {
            for (int j = 0; j < rank; j++) {
                double dot = i == j ? -1 : 0;
                for (int x = 0; x < width; x++) {
                    dot +=
                            (double) values[at(i, x, rank, width, rows)]
                                    * values[at(j, x, rank, width, rows)];
                }
                m[i * rank + j] = dot;
                sum += dot * dot;
            }
        }
        double norm = Math.sqrt(sum);
        if (scale != 0 && norm > 0) {
            float[] gradient = new float[values.length];
            for (int i = 0; i < rank; i++) {
                for (int x = 0; x < width; x++) {
                    double dot = 0;
                    for (int j = 0; j < rank; j++) {
                        dot += m[i * rank + j] * values[at(j, x, rank, width, rows)];
                    }
                    gradient[at(i, x, rank, width, rows)] = (float) (scale * 2 * dot / norm);
                }
            }
            ParameterGradients.add(factor, gradient);
        }
        return norm;
    }

    private static int at(int component, int x, int rank, int width, boolean rows) {
        return rows ? component * width + x : x * rank + component;
    }

    @Override
    public void beforeStep() {
        for (Triplet triplet : triplets) {
            for (Parameter parameter : triplet.all()) {
                gradients.put(parameter.name(), parameter.gradient().toFloats());
            }
        }
    }

    @Override
    public void afterStep(int step, double clipped) {
        int end = schedule.total() - schedule.after();
        if (step > end) {
            triplets.forEach(this::mask);
            return;
        }
        if (step < end) {
            triplets.forEach(triplet -> triplet.all().forEach(p -> weigh(p, (float) clipped)));
        }
        int initial = triplets.stream().mapToInt(Triplet::rank).sum();
        int left = schedule.target() * triplets.size();
        if (step == end) {
            cut(initial - (step <= schedule.before() ? initial : budget(step, initial, left)));
            importance.clear();
            uncertainty.clear();
        } else if (step > schedule.before() && step % schedule.every() == 0) {
            cut(initial - budget(step, initial, left));
        }
    }

    private int budget(int step, int initial, int left) {
        double span = schedule.total() - schedule.after() - schedule.before();
        double rest = 1 - (step - schedule.before()) / span;
        return (int) ((initial - left) * rest * rest * rest + left);
    }

    private void weigh(Parameter parameter, float clipped) {
        float[] values = parameter.best();
        float[] gradient = gradients.getOrDefault(parameter.name(), new float[values.length]);
        float[] mean = importance.computeIfAbsent(parameter.name(), _ -> new float[values.length]);
        float[] doubt =
                uncertainty.computeIfAbsent(parameter.name(), _ -> new float[values.length]);
        float beta1 = (float) schedule.smoothing().importance();
        float beta2 = (float) schedule.smoothing().uncertainty();
        for (int i = 0; i < values.length; i++) {
            float now = Math.abs(values[i] * gradient[i] * clipped);
            mean[i] = beta1 * mean[i] + (1 - beta1) * now;
            doubt[i] = beta2 * doubt[i] + (1 - beta2) * Math.abs(now - mean[i]);
        }
    }

    /// Switches off the given number of least important components of all modules.
    private void cut(int gone) {
        if (gone < 1) {
            return;
        }
        List<double[]> scores = new ArrayList<>();
        double[] all = {};
        for (Triplet triplet : triplets) {
            double[] here = scores(triplet);
            scores.add(here);
            int from = all.length;
            all = Arrays.copyOf(all, from + here.length);
            System.arraycopy(here, 0, all, from, here.length);
        }
        Arrays.sort(all);
        double threshold = all[gone - 1];
        for (int t = 0; t < triplets.size(); t++) {
            List<Boolean> left = new ArrayList<>();
            for (double score : scores.get(t)) {
                left.add(score > threshold);
            }
            kept.put(triplets.get(t).module + ".lora_E", List.copyOf(left));
            mask(triplets.get(t));
        }
    }

    private double[] scores(Triplet triplet) {
        int rank = triplet.rank();
        double[] scores = new double[rank];
        float[] e = elements(triplet.e_R);
        float[] a = elements(triplet.a_RI);
        float[] b = elements(triplet.b_OR);
        for (int r = 0; r < rank; r++) {
            double rows = 0;
            int inputs = a.length / rank;
            for (int i = 0; i < inputs; i++) {
                rows += a[r * inputs + i];
            }
            double columns = 0;
            int outputs = b.length / rank;
            for (int o = 0; o < outputs; o++) {
                columns += b[o * rank + r];
            }
            scores[r] = e[r] + rows / inputs + columns / outputs;
        }
        return scores;
    }

    private float[] elements(Parameter parameter) {
        int count = (int) parameter.value().elements();
        float[] mean = importance.getOrDefault(parameter.name(), new float[count]);
        float[] doubt = uncertainty.getOrDefault(parameter.name(), new float[count]);
        float[] scores = new float[count];
        for (int i = 0; i < count; i++) {
            scores[i] = mean[i] * doubt[i];
        }
        return scores;
    }

    private void mask(Triplet triplet) {
        List<Boolean> left = kept.get(triplet.module + ".lora_E");
        if (left == null) {
            return;
        }
        float[] values = triplet.e_R.best();
        for (int r = 0; r < values.length; r++) {
            values[r] = left.get(r) ? values[r] : 0;
        }
        triplet.e_R.assign(values);
    }

    @Override
    public void save(Path folder) throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
        importance.forEach((name, values) -> put(writer, name + ".importance", values));
        uncertainty.forEach((name, values) -> put(writer, name + ".uncertainty", values));
        kept.forEach((name, left) -> {
            float[] values = new float[left.size()];
            for (int r = 0; r < values.length; r++) {
                values[r] = left.get(r) ? 1 : 0;
            }
            put(writer, name + KEPT, values);
        });
        writer.write(folder.resolve(FILE));
    }

    private static void put(SafetensorsWriter writer, String name, float[] values) {
        writer.add(name, List.of((long) values.length), values);
    }

    @Override
    public void restore(Path folder) {
        Path path = folder.resolve(FILE);
        if (!Files.exists(path)) {
            return;
        }
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            file.tensors()
                    .forEach(tensor -> {
                        String name = tensor.name();
                        float[] values = file.floats(name);
                        int dot = name.lastIndexOf('.');
                        String owner = name.substring(0, dot);
                        switch (name.substring(dot)) {
                            case ".importance" -> importance.put(owner, values);
                            case ".uncertainty" -> uncertainty.put(owner, values);
                            default -> kept.put(owner, flags(values));
                        }
                    });
        }
    }

    private static List<Boolean> flags(float[] values) {
        List<Boolean> flags = new ArrayList<>();
        for (float value : values) {
            flags.add(value != 0);
        }
        return flags;
    }
}
