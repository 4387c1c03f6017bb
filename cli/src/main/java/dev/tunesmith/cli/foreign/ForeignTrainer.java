package dev.tunesmith.cli.foreign;

import dev.tunesmith.contracts.problem.NearestName;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// A trainer whose files can be translated; its options stand in the table of that name.
public enum ForeignTrainer {
    LLAMAFACTORY("LLaMA-Factory"),
    TORCHTUNE("torchtune"),
    AXOLOTL("axolotl");

    private final String title;

    ForeignTrainer(String title) {
        this.title = title;
    }

    /// The name that its users know.
    public String title() {
        return title;
    }

    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// The trainer of a name.
    ///
    /// @throws IllegalArgumentException saying which there are
    public static ForeignTrainer of(String wire) {
        List<String> names = Arrays.stream(values()).map(ForeignTrainer::wire).toList();
        String name = wire.toLowerCase(Locale.ROOT).replace("-", "").replace("_", "");
        int at = names.indexOf(name);
        if (at < 0) {
            throw new IllegalArgumentException(
                    "no trainer \"%s\"; there are %s%s"
                            .formatted(
                                    wire,
                                    String.join(", ", names),
                                    NearestName.of(name, names)
                                            .map(near -> ", is " + near + " meant?")
                                            .orElse("")));
        }
        return values()[at];
    }
}
