package dev.tunesmith.api;

import dev.tunesmith.testkit.layers.Layers;
import dev.tunesmith.testkit.tidy.Tidy;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

final class HouseRulesTest {
    @Test
    void sourcesAreTidy() {
        Tidy.check(Path.of(""));
    }

    @Test
    void seesOnlyWhatItMay() {
        Layers.check("api");
    }
}
