package dev.tunesmith.trainer;

import java.nio.file.Path;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/// What this process was told, from system properties and, behind them, the environment
/// (`tunesmith.work-dir` is `TUNESMITH_WORK_DIR`).
record TrainerSettings(
        String kafkaBootstrap,
        Objects objects,
        Path workDir,
        String flavor,
        int slots,
        Device device,
        Periods periods,
        Children children) {

    /// Where the object store is.
    record Objects(
            String endpoint, String accessKey, String secretKey, String bucket, String region) {

        @Override
        public String toString() {
            return "Objects[endpoint=%s, bucket=%s, secretKey=***]".formatted(endpoint, bucket);
        }
    }

    /// What children compute on.
    ///
    /// @param name `cpu`, `cuda:N`, or `auto` as long as nobody has asked the driver
    /// @param described for people
    /// @param memoryBytes device memory that one attempt may use; 0 as long as it is not known
    record Device(String name, String described, long memoryBytes) {
        private static final String CPU = "cpu";

        /// The processor, with the memory that it was given or has.
        private static Device read(String name, long memoryBytes) {
            boolean cpu = name.equals(CPU);
            return new Device(
                    name, name, cpu && memoryBytes == 0 ? ProcessMemory.limitBytes() : memoryBytes);
        }

        boolean isCpu() {
            return name.equals(CPU);
        }

        /// What an attempt may take of the host's memory.
        long hostBytes() {
            return isCpu() ? memoryBytes : ProcessMemory.limitBytes();
        }
    }

    /// The same settings with a device that was found.
    TrainerSettings on(Device found) {
        return new TrainerSettings(
                kafkaBootstrap, objects, workDir, flavor, slots, found, periods, children);
    }

    /// @param beat how often this host speaks
    /// @param lease after how long without an answer a lease may be gone
    /// @param leaseMargin how much earlier side effects stop
    /// @param claim how long a claim waits for its answer
    /// @param resend how often an unanswered report is sent again
    /// @param mute after how long without a sign of life a child is left out of the beats
    /// @param stop how long a child may take to obey before it is asked once more with SIGTERM
    /// @param kill how long after that it is killed
    /// @param orphan how long a child computes on without any answer
    record Periods(
            Duration beat,
            Duration lease,
            Duration leaseMargin,
            Duration claim,
            Duration resend,
            Duration mute,
            Duration stop,
            Duration kill,
            Duration orphan) {}

    /// @param main class of the child, on the class path of the parent
    /// @param heapBytes `-Xmx` of a training child; tensors live outside the heap
    /// @param validateHeapBytes `-Xmx` of a validating child
    /// @param threads cores that a child computes with
    record Children(String main, long heapBytes, long validateHeapBytes, int threads) {}

    private static final String PREFIX = "tunesmith.";

    static TrainerSettings fromProcess() {
        return read(name -> Optional.ofNullable(System.getProperty(name)).or(() -> env(name)));
    }

    /// @throws IllegalArgumentException naming every missing and every malformed key at once
    static TrainerSettings read(Function<String, Optional<String>> source) {
        var reader = new Reader(source);
        Duration lease = reader.duration("lease.period", "PT60S");
        TrainerSettings settings =
                new TrainerSettings(
                        reader.text("kafka.bootstrap"),
                        new Objects(
                                reader.text("objects.endpoint"),
                                reader.text("objects.access-key"),
                                reader.text("objects.secret-key"),
                                reader.text("objects.bucket", "tunesmith"),
                                reader.text("objects.region", "us-east-1")),
                        Path.of(reader.text("work-dir")),
                        reader.text("trainer.flavor", "cpu"),
                        reader.integer("trainer.slots", 1),
                        Device.read(
                                reader.text("device", Device.CPU), reader.size("device.memory", 0)),
                        reader.periods(lease),
                        reader.children());
        reader.complain();
        return settings;
    }

    private static Optional<String> env(String name) {
        String key = name.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
        return Optional.ofNullable(System.getenv(key));
    }

    /// Collects every problem before it complains.
    private static final class Reader {
        private final Function<String, Optional<String>> source;
        private final Set<String> missing = new TreeSet<>();
        private final List<String> malformed = new ArrayList<>();

        Reader(Function<String, Optional<String>> source) {
            this.source = source;
        }

        Periods periods(Duration lease) {
            return new Periods(
                    duration("trainer.beat-every", "PT10S"),
                    lease,
                    duration("trainer.lease-margin", "PT10S"),
                    duration("trainer.claim-wait", "PT20S"),
                    duration("trainer.resend-every", "PT10S"),
                    duration("trainer.mute-after", "PT20S"),
                    duration("trainer.stop-wait", "PT30S"),
                    duration("trainer.kill-wait", "PT10S"),
                    duration("lease.orphan-grace", "PT30M"));
        }

        Children children() {
            return new Children(
                    text("trainer.child-main", "dev.tunesmith.trainer.Child"),
                    size("trainer.child-heap", 512L << 20),
                    size("trainer.validate-heap", 256L << 20),
                    integer("trainer.threads", Runtime.getRuntime().availableProcessors()));
        }

        String text(String key) {
            Optional<String> value = value(key);
            if (value.isEmpty()) {
                missing.add(PREFIX + key);
            }
            return value.orElse("");
        }

        String text(String key, String fallback) {
            return value(key).orElse(fallback);
        }

        Duration duration(String key, String fallback) {
            String text = text(key, fallback);
            try {
                return Duration.parse(text);
            } catch (DateTimeParseException _) {
                malformed.add(PREFIX + key + " is not an ISO-8601 duration such as PT10S: " + text);
                return Duration.parse(fallback);
            }
        }

        int integer(String key, int fallback) {
            String text = text(key, Integer.toString(fallback));
            if (!text.matches("[1-9]\\d{0,8}")) {
                malformed.add(PREFIX + key + " is not a positive number: " + text);
                return fallback;
            }
            return Integer.parseInt(text);
        }

        /// Plain bytes, or with a suffix K, M or G of 1024.
        long size(String key, long fallback) {
            String text = text(key, Long.toString(fallback));
            if (!text.matches("\\d{1,18}[KMG]?")) {
                malformed.add(PREFIX + key + " is not a size such as 512M: " + text);
                return fallback;
            }
            Map<Character, Integer> shifts = Map.of('K', 10, 'M', 20, 'G', 30);
            int shift = shifts.getOrDefault(text.charAt(text.length() - 1), 0);
            String digits = shift == 0 ? text : text.substring(0, text.length() - 1);
            return Long.parseLong(digits) << shift;
        }

        void complain() {
            if (missing.isEmpty() && malformed.isEmpty()) {
                return;
            }
            List<String> problems = new ArrayList<>(malformed);
            if (!missing.isEmpty()) {
                problems.add("not set: " + String.join(", ", missing));
            }
            throw new IllegalArgumentException(
                    "trainer-service cannot start: " + String.join("; ", problems));
        }

        private Optional<String> value(String key) {
            return source.apply(PREFIX + key).filter(text -> !text.isBlank());
        }
    }
}
