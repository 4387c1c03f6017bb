package dev.tunesmith.engine.loop;

import dev.tunesmith.engine.tensor.CudaDevice;
import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.kernels.cpu.CpuKernels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/// The machinery that the last bits of a result depend on: processor, kernel set, team size.
final class RunEnvironment {

    private static final Path CPUINFO = Path.of("/proc/cpuinfo");

    private RunEnvironment() {}

    static Map<String, String> current() {
        Map<String, String> environment = new TreeMap<>();
        environment.put("device", Device.current().describe());
        if (Device.current() instanceof CudaDevice cuda) {
            environment.put("attention", cuda.attention().wire());
        }
        environment.put("processor", processor());
        environment.put("kernels", CpuKernels.level().wire());
        environment.put("threads", Integer.toString(CpuKernels.threads()));
        environment.put("java", Runtime.version().toString());
        return environment;
    }

    private static String processor() {
        try (Stream<String> lines = Files.lines(CPUINFO)) {
            return lines.filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse("unknown");
        } catch (IOException e) {
            return "unknown";
        }
    }
}
