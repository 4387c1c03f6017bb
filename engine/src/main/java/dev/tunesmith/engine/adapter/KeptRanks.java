package dev.tunesmith.engine.adapter;

import dev.tunesmith.engine.adapter.kind.AdaLoraConfig;
import dev.tunesmith.engine.adapter.site.FileTensor;
import dev.tunesmith.engine.adapter.site.Site;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/// Cuts components that an AdaLoRA has switched off out of the tensors of its file.
final class KeptRanks {

    private KeptRanks() {}

    private static final String VALUES = ".lora_E";

    /// Components that count in the values that are written. Those may be the best of a run or
    /// their average: then a component may count in them that is switched off by now.
    ///
    /// @param latest which are not switched off, by the name of a module's values
    /// @param shown the values that are written, by their name in a file
    static Map<String, List<Boolean>> counting(
            Map<String, List<Boolean>> latest, Function<String, float[]> shown) {
        Map<String, List<Boolean>> counting = new TreeMap<>();
        latest.forEach((name, left) -> {
            float[] values = shown.apply(Site.PREFIX + name);
            List<Boolean> all = new ArrayList<>();
            for (int r = 0; r < left.size(); r++) {
                all.add(left.get(r) || values[r] != 0);
            }
            counting.put(name, all);
        });
        return counting;
    }

    /// How PEFT is told which components of `config.rank()` a file has; empty if all.
    ///
    /// @param kept components of those in memory that are written
    /// @param ranks sizes of the parameters in memory, by their names in a file
    static Map<String, List<Boolean>> pattern(
            AdaLoraConfig config, Map<String, List<Boolean>> kept, Map<String, Integer> ranks) {
        Map<String, List<Boolean>> pattern = new TreeMap<>(config.kept());
        ranks.forEach((file, rank) -> {
            String name = file.substring(Math.min(file.length(), Site.PREFIX.length()));
            List<Boolean> left = kept.get(name);
            if (left != null || (name.endsWith(VALUES) && rank < config.rank())) {
                List<Boolean> all =
                        new ArrayList<>(left != null ? left : Collections.nCopies(rank, true));
                all.addAll(Collections.nCopies(Math.max(0, config.rank() - all.size()), false));
                pattern.merge(name, all, (stored, now) -> left == null ? stored : now);
            }
        });
        return pattern;
    }

    static FileTensor of(String name, FileTensor tensor, Map<String, List<Boolean>> kept) {
        int dot = name.lastIndexOf('.');
        String module = dot < Site.PREFIX.length() ? "" : name.substring(Site.PREFIX.length(), dot);
        List<Boolean> left = kept.get(module + VALUES);
        String end = name.substring(dot + 1);
        if (left == null || !List.of("lora_A", "lora_B", "lora_E").contains(end)) {
            return tensor;
        }
        int rank = left.size();
        int count = (int) left.stream().filter(Boolean::booleanValue).count();
        boolean columns = end.equals("lora_B");
        int width = tensor.values().length / rank;
        float[] values = new float[count * width];
        int at = 0;
        for (int i = 0; i < tensor.values().length; i++) {
            if (left.get(columns ? i % rank : i / width)) {
                values[at++] = tensor.values()[i];
            }
        }
        return columns ? FileTensor.of(values, width, count) : FileTensor.of(values, count, width);
    }
}
