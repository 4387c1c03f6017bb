package dev.tunesmith.bench;

import dev.tunesmith.bench.speed.LoraSpeed;
import dev.tunesmith.bench.verify.Verify;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/// `verify [DIR…]` runs golden cases; `bench lora [STEPS]` measures training.
public final class Main {

    private static final int STEPS = 6;

    private Main() {}

    /// Exits with 0 when everything passed, 1 when something failed, 2 on wrong usage.
    public static void main(String[] arguments) {
        List<String> words = Arrays.asList(arguments);
        if (!words.isEmpty() && words.getFirst().equals("verify")) {
            List<Path> folders = words.stream().skip(1).map(Path::of).toList();
            System.exit(Verify.run(folders, System.out));
        }
        if (words.size() >= 2 && words.subList(0, 2).equals(List.of("bench", "lora"))) {
            int steps = words.size() > 2 ? Integer.parseInt(words.get(2)) : STEPS;
            new LoraSpeed(4, 512, CheckpointPolicy.keepAll(), System.out).run(steps);
            return;
        }
        System.err.println("usage: verify [DIR…] | bench lora [STEPS]");
        System.exit(2);
    }
}
