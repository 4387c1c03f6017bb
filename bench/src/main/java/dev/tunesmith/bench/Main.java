package dev.tunesmith.bench;

import dev.tunesmith.bench.speed.BenchCommand;
import dev.tunesmith.bench.verify.Verify;
import dev.tunesmith.engine.tensor.Device;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/// `verify [DIR…]` runs golden cases, `bench …` measures training and decoding, `convert` reads and
/// writes files of llama.cpp, `data` checks a training file, `extend` adds tokens to a vocabulary,
/// `tokenizer` learns one. `TUNESMITH_DEVICE` names the device: `cpu` or `cuda:0`.
public final class Main {

    private Main() {}

    /// Exits with 0 when everything passed, 1 when something failed, 2 on wrong usage.
    public static void main(String[] arguments) {
        List<String> words = Arrays.asList(arguments);
        String first = words.isEmpty() ? "" : words.getFirst();
        List<String> rest = words.isEmpty() ? words : words.subList(1, words.size());
        Device.use(Device.named(System.getenv().getOrDefault("TUNESMITH_DEVICE", "cpu")));
        switch (first) {
            case "verify" ->
                    System.exit(Verify.run(rest.stream().map(Path::of).toList(), System.out));
            case "bench" -> System.exit(BenchCommand.run(rest));
            case "data" -> System.exit(DataCommand.run(rest));
            case "extend" -> System.exit(ExtendCommand.run(rest, System.out));
            case "convert" -> System.exit(ConvertCommand.run(rest, System.out));
            case "tokenizer" -> System.exit(TokenizerCommand.run(rest, System.out));
            default -> {
                System.err.println(
                        "usage: verify [DIR…] | data FILE | bench (train | decode | data | model) … | convert FILE.gguf DIR | convert DIR FILE.gguf | extend DIR OUT TOKEN… | tokenizer FILE…");
                System.exit(2);
            }
        }
    }
}
