package dev.tunesmith.engine.loop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tunesmith.engine.data.PackedRows;
import dev.tunesmith.engine.data.Packing;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenShard;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// A training run of TRL's trainers, recorded: rows, settings, figures of every step.
record GoldenRun(String name, JsonNode tree) {

    static GoldenRun read(String name) throws IOException {
        Path file = resource("/golden/train/%s/case.json".formatted(name));
        return new GoldenRun(name, new ObjectMapper().readTree(file.toFile()));
    }

    static Path resource(String path) {
        URL url = Objects.requireNonNull(GoldenRun.class.getResource(path), path);
        try {
            return Path.of(url.toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    static Path policy() {
        return resource("/golden/train/policy");
    }

    Path file(String file) {
        return resource("/golden/train/%s/%s".formatted(name, file));
    }

    double parameter(String key) {
        return tree.get("parameters").get(key).asDouble();
    }

    List<JsonNode> log() {
        List<JsonNode> steps = new ArrayList<>();
        tree.get("log").forEach(steps::add);
        return steps;
    }

    /// The rows in their order, one document each.
    PackedRows rows(Path folder) throws IOException {
        List<Sample> samples = new ArrayList<>();
        for (JsonNode row : tree.get("rows")) {
            int length = row.get("input_ids").size();
            int[] ids = new int[length];
            float[] weights = new float[length];
            for (int i = 0; i < length; i++) {
                ids[i] = row.get("input_ids").get(i).asInt();
                weights[i] = row.get("labels").get(i).asInt() < 0 ? 0 : 1;
            }
            samples.add(new Sample(ids, weights));
        }
        Path shard = folder.resolve(name + ".tokens");
        TokenShard.write(shard, samples, Map.of());
        return PackedRows.of(TokenShard.open(shard), Packing.NONE, 1024);
    }
}
