package dev.tunesmith.bench;

import dev.tunesmith.bench.verify.Verify;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/// `verify [DIR…]`: runs golden cases.
public final class Main {

    private Main() {}

    /// Exits with 0 when everything passed, 1 when something failed, 2 on wrong usage.
    public static void main(String[] arguments) {
        if (arguments.length == 0 || !arguments[0].equals("verify")) {
            System.err.println("usage: verify [DIR…]");
            System.exit(2);
        }
        List<Path> folders = Arrays.stream(arguments).skip(1).map(Path::of).toList();
        System.exit(Verify.run(folders, System.out));
    }
}
