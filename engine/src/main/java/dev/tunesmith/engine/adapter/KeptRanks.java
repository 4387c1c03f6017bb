package dev.tunesmith.engine.adapter;

import dev.tunesmith.engine.adapter.site.FileTensor;
import dev.tunesmith.engine.adapter.site.Site;
import java.util.List;
import java.util.Map;

/// Cuts components that an AdaLoRA has switched off out of the tensors of its file.
final class KeptRanks {

    private KeptRanks() {}

    static FileTensor of(String name, FileTensor tensor, Map<String, List<Boolean>> kept) {
        int dot = name.lastIndexOf('.');
        String module = dot < Site.PREFIX.length() ? "" : name.substring(Site.PREFIX.length(), dot);
        List<Boolean> left = kept.get(module + ".lora_E");
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
