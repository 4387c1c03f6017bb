package dev.tunesmith.kernels.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tunesmith.kernels.cpu.Attention;
import dev.tunesmith.kernels.cpu.Element;
import dev.tunesmith.kernels.cpu.Strided;
import dev.tunesmith.kernels.cuda.EmulatedCuda;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class FlashAttentionTest {
    private static final Attention SHAPE =
            new Attention(Element.BF16, 1, 16, 16, 4, 2, 64, 0.125f, 0, -1, 0, 1);

    @Test
    void takesWhatItsKernelsHave() {
        assertThat(FlashAttention.takes(SHAPE, new Strided(64, 256))).isTrue();
        assertThat(FlashAttention.takes(SHAPE, new Strided(64, 252))).isFalse();
        assertThat(FlashAttention.takes(SHAPE, new Strided(66, 256))).isFalse();
        assertThat(
                        FlashAttention.takes(
                                new Attention(Element.F32, 1, 16, 16, 4, 2, 64, 1, 0, -1, 0, 1)))
                .isFalse();
        assertThat(
                        FlashAttention.takes(
                                new Attention(Element.BF16, 1, 16, 16, 4, 2, 64, 1, 30, -1, 0, 1)))
                .isFalse();
        assertThat(
                        FlashAttention.takes(
                                new Attention(Element.BF16, 1, 16, 16, 4, 2, 256, 1, 0, -1, 0, 1)))
                .isFalse();
    }

    /// A wheel brings its headers along.
    @Test
    @Tag("libtorch")
    void theArgumentsAreThoseOfTheHeader() throws IOException {
        Path header =
                folder().resolve(
                                "../include/torch/csrc/inductor/aoti_torch/generated/c_shim_cuda.h");
        assumeTrue(Files.exists(header), "this libtorch has no headers");
        String text = Files.readString(header);
        assertThat(signature(text, FlashAttention.FORWARD_SYMBOL))
                .isEqualTo(FlashAttention.FORWARD);
        assertThat(signature(text, FlashAttention.BACKWARD_SYMBOL))
                .isEqualTo(FlashAttention.BACKWARD);
    }

    /// Opening finds every symbol; a call reaches the library, which has no driver and says so.
    @Test
    @Tag("libtorch")
    void opensAndRefusesWithoutADevice() {
        folder();
        FlashAttention flash =
                FlashAttention.find(System.getenv(), EmulatedCuda.library().stream(0), 0)
                        .orElseThrow();
        var rows = new Strided(4096, 256);
        assertThatThrownBy(() ->
                        flash.forward(
                                SHAPE, new Attention.Inputs(rows, rows, rows, 4096), rows, 4096))
                .isInstanceOf(TorchException.class);
    }

    private static Path folder() {
        Optional<Path> folder = TorchLibrary.forDevices(System.getenv());
        assumeTrue(folder.isPresent(), "TUNESMITH_LIBTORCH names no libtorch for CUDA");
        return folder.orElseThrow();
    }

    private static String signature(String header, String symbol) {
        Matcher found =
                Pattern.compile("AOTITorchError " + symbol + "\\(([^)]*)\\)").matcher(header);
        assertThat(found.find()).as(symbol).isTrue();
        StringBuilder letters = new StringBuilder("i");
        for (String parameter : found.group(1).split(",")) {
            String type = parameter.strip().replaceAll(" \\w+$", "");
            letters.append(
                    switch (type) {
                        case "double" -> 'd';
                        case "int32_t" -> 'i';
                        case "int64_t", "AtenTensorHandle" -> 'l';
                        default -> {
                            assertThat(type).endsWith("*");
                            yield 'l';
                        }
                    });
        }
        return letters.toString();
    }
}
