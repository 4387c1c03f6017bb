package dev.tunesmith.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/// The file that the build made of the CUDA kernels, read without a GPU.
class CudaLibraryTest {
    private static final Path LIBRARIES = Path.of("target/classes/native/linux-x86_64");
    private static final Path CUDA = LIBRARIES.resolve("libtunesmith_cuda.so");
    private static final List<String> TARGETS = List.of("80", "86", "89", "90", "100", "120");

    /// Exported by the CPU library alone: what is about processors, weights in their order for
    /// processors, sums of products, and the choice of a token, for which logits leave a device.
    private static final Pattern CPU_ONLY =
            Pattern.compile("ts_(cpu_.*|panels_.*|product_sum_bf16|draw_f32)");

    /// Exported by the CUDA library alone: it is about devices.
    private static final Pattern CUDA_ONLY = Pattern.compile("ts_cuda_.*");

    @Test
    void bothLibrariesExportTheSameOperations() throws IOException {
        Set<String> onCpu = exports(LIBRARIES.resolve("libtunesmith_cpu.so"), CPU_ONLY);
        Set<String> emulated =
                exports(
                        Path.of("target/test-classes/native/libtunesmith_cuda_emulated.so"),
                        Pattern.compile("ts_(cuda|emulated)_.*"));
        assertThat(onCpu).hasSizeGreaterThan(80).contains("ts_attention_bwd_bf16");
        assertThat(emulated).isEqualTo(onCpu);
        assertThat(onCpu).containsAll(declared());
    }

    @Test
    void theCompiledLibraryExportsThemToo() throws IOException {
        compiled();
        assertThat(exports(CUDA, CUDA_ONLY))
                .isEqualTo(exports(LIBRARIES.resolve("libtunesmith_cpu.so"), CPU_ONLY));
    }

    @Test
    void everySourceHasCodeForEveryTarget() throws IOException {
        compiled();
        List<Set<String>> fatBinaries = fatBinaries();
        Set<String> wanted =
                TARGETS.stream().map(target -> "code " + target).collect(Collectors.toSet());
        wanted.add("ptx 120");
        assertThat(fatBinaries).hasSizeGreaterThanOrEqualTo(sourcesWithKernels());
        assertThat(fatBinaries).allSatisfy(found -> assertThat(found).isEqualTo(wanted));
    }

    @Test
    void opensWithoutADriver() throws IOException {
        compiled();
        CudaLibrary library = CudaLibrary.packaged().orElseThrow();
        assertThat(library.targets()).hasToString("[80, 86, 89, 90, 100, 120]");
        assertThat(library.runsOn(device(86))).isTrue();
        assertThat(library.runsOn(device(87))).isTrue();
        assertThat(library.runsOn(device(103))).isTrue();
        assertThat(library.runsOn(device(130))).isTrue();
        assertThat(library.runsOn(device(75))).isFalse();
    }

    private static CudaLibrary.Device device(int capability) {
        return new CudaLibrary.Device(0, "one of " + capability, 1, capability, 1);
    }

    private static void compiled() {
        assumeTrue(
                Files.exists(CUDA),
                "no CUDA compiler was there: kernels/cuda-compiler --install brings one");
    }

    /// Names in `operations.def`, which both libraries are made from.
    private static Set<String> declared() throws IOException {
        String text = Files.readString(Path.of("src/main/c/operations.def"));
        Set<String> names = new TreeSet<>();
        Matcher line = Pattern.compile("(?m)^TS_(BOTH|OP|PAIRED)\\((\\w+)\\)").matcher(text);
        while (line.find()) {
            String name = "ts_" + line.group(2);
            if (line.group(1).equals("BOTH")) {
                names.add(name + "_f32");
                names.add(name + "_bf16");
            } else {
                names.add(name);
            }
        }
        return names;
    }

    private static int sourcesWithKernels() throws IOException {
        try (var files = Files.list(Path.of("src/main/cuda"))) {
            return (int)
                    files.filter(file -> file.toString().endsWith(".cu"))
                            .filter(file -> !file.endsWith("runtime.cu"))
                            .count();
        }
    }

    // ---- ELF ----

    private record Section(String name, long offset, long size, int link) {}

    private static ByteBuffer bytes(Path file) throws IOException {
        return ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static List<Section> sections(ByteBuffer elf) {
        long table = elf.getLong(0x28);
        int size = elf.getShort(0x3a);
        int count = elf.getShort(0x3c);
        int names = (int) elf.getLong((int) table + elf.getShort(0x3e) * size + 24);
        List<Section> sections = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int at = (int) table + i * size;
            sections.add(
                    new Section(
                            text(elf, names + elf.getInt(at)),
                            elf.getLong(at + 24),
                            elf.getLong(at + 32),
                            elf.getInt(at + 40)));
        }
        return sections;
    }

    private static String text(ByteBuffer elf, int at) {
        StringBuilder text = new StringBuilder();
        for (int i = at; elf.get(i) != 0; i++) {
            text.append((char) elf.get(i));
        }
        return text.toString();
    }

    /// Names of defined symbols that begin with `ts_`, without those that match.
    private static Set<String> exports(Path file, Pattern without) throws IOException {
        ByteBuffer elf = bytes(file);
        List<Section> sections = sections(elf);
        Section symbols =
                sections.stream().filter(s -> s.name().equals(".dynsym")).findFirst().orElseThrow();
        int names = (int) sections.get(symbols.link()).offset();
        Set<String> exported = new TreeSet<>();
        for (long at = symbols.offset(); at < symbols.offset() + symbols.size(); at += 24) {
            String name = text(elf, names + elf.getInt((int) at));
            boolean defined = elf.getShort((int) at + 6) != 0;
            if (defined && name.startsWith("ts_") && !without.matcher(name).matches()) {
                exported.add(name);
            }
        }
        return exported;
    }

    // ---- code for devices ----

    /// What each fat binary of the library has: code or PTX, and for which target.
    private static List<Set<String>> fatBinaries() throws IOException {
        ByteBuffer elf = bytes(CUDA);
        Section section =
                sections(elf).stream()
                        .filter(s -> s.name().equals(".nv_fatbin"))
                        .findFirst()
                        .orElseThrow();
        List<Set<String>> all = new ArrayList<>();
        int at = (int) section.offset();
        int end = at + (int) section.size();
        while (at + 16 <= end) {
            if (elf.getInt(at) != 0xBA55ED50) {
                at += 8;
                continue;
            }
            int entry = at + elf.getShort(at + 6);
            int last = (int) (entry + elf.getLong(at + 8));
            Set<String> found = new TreeSet<>();
            while (entry < last) {
                String kind = elf.getShort(entry) == 2 ? "code " : "ptx ";
                found.add(kind + elf.getInt(entry + 28));
                entry += (int) (elf.getInt(entry + 4) + elf.getLong(entry + 8));
            }
            if (!found.isEmpty()) {
                all.add(found);
            }
            at = last;
        }
        return all;
    }
}
