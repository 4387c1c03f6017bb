package dev.tunesmith.contracts.survey;

import java.util.Locale;
import java.util.Map;

/// What a host computes on.
///
/// @param device `cpu` or the name of a device
/// @param processors threads that products run on
public record Compute(String device, int processors) {

    /// Products of bfloat16 matrices on one core with 512-bit vectors.
    private static final double CORE_RATE = 1e11;

    /// Of a device that is not known by its name.
    private static final double DEVICE_RATE = 1e14;

    /// Dense bfloat16 products as data sheets have them.
    private static final Map<String, Double> DEVICE_RATES =
            Map.of(
                    "h200", 9.9e14,
                    "h100", 9.9e14,
                    "a100", 3.1e14,
                    "l40", 1.8e14,
                    "a10", 1.2e14,
                    "l4", 1.2e14,
                    "4090", 1.6e14);

    /// Operations a second in products.
    public double productRate() {
        if (isCpu()) {
            return CORE_RATE * Math.max(1, processors);
        }
        String name = device.toLowerCase(Locale.ROOT);
        return DEVICE_RATES.entrySet().stream()
                .filter(rate -> name.contains(rate.getKey()))
                .mapToDouble(Map.Entry::getValue)
                .max()
                .orElse(DEVICE_RATE);
    }

    private boolean isCpu() {
        return device.equals("cpu");
    }

    /// What a person reads.
    public String text() {
        return isCpu()
                ? "%d %s".formatted(processors, processors == 1 ? "processor" : "processors")
                : device;
    }
}
