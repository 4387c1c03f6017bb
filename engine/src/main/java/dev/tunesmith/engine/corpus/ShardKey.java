package dev.tunesmith.engine.corpus;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.dataset.FileKind;
import dev.tunesmith.contracts.id.Sha256;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.engine.data.DatasetTokenizer;
import dev.tunesmith.engine.data.TokenShard;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.rows.RowSource;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Everything that the tokens of a file depend on.
///
/// The greatest length is no part of it as long as no row was cut: such tokens serve every length
/// that is not below the longest row.
///
/// @param source SHA-256 of the file
/// @param uncut name of the tokens if no row was cut
/// @param cut name of the tokens otherwise
record ShardKey(String source, String uncut, String cut, int lengthMax) {

    /// Counts up when the same rows give other tokens than before.
    private static final int ENCODING_VERSION = 2;

    /// @param kind what the file was taken for, by its name perhaps
    static ShardKey of(
            RowSource file,
            Optional<FileKind> kind,
            Reading reading,
            DatasetTokenizer tokenizer,
            @Nullable String orderColumn)
            throws IOException {
        DatasetTokenizer.Options options = tokenizer.options();
        String source = file.sha256();
        Map<String, Object> parts = new LinkedHashMap<>();
        parts.put("encoding", ENCODING_VERSION);
        parts.put("format", TokenShard.FORMAT_VERSION);
        parts.put("source", source);
        parts.put("kind", kind.map(FileKind::wire).orElse(""));
        parts.put("reading", new TreeMap<>(reading.wire()));
        parts.put("tokenizer", tokenizer.identity());
        parts.put("rows", options.method().rowKind().name());
        parts.put("documents", options.method().documentsPerRow());
        parts.put("trained", options.trained().wire());
        parts.put("column", orderColumn == null ? "" : orderColumn);
        String uncut = Sha256.of(JsonTree.text(parts).getBytes(StandardCharsets.UTF_8));
        parts.put("length_max", options.lengthMax());
        parts.put("overflow", options.overflow().wire());
        String cut = Sha256.of(JsonTree.text(parts).getBytes(StandardCharsets.UTF_8));
        return new ShardKey(source, uncut, cut, options.lengthMax());
    }

    /// What was kept and can be used.
    Optional<Path> find(ShardStore store) throws IOException {
        Optional<Path> whole = store.find(source, uncut).filter(this::suits);
        return whole.isPresent() ? whole : store.find(source, cut);
    }

    private boolean suits(Path path) {
        try (TokenShard shard = TokenShard.open(path)) {
            return stats(shard).longest() <= lengthMax;
        }
    }

    void keep(ShardStore store, Path shard, DatasetStats stats) throws IOException {
        store.keep(source, stats.longest() <= lengthMax ? uncut : cut, shard);
    }

    /// Figures of a file as metadata of its tokens.
    static Map<String, String> metadata(DatasetStats stats) {
        return Map.ofEntries(
                Map.entry("rows", Long.toString(stats.rows())),
                Map.entry("tokens", Long.toString(stats.tokens())),
                Map.entry("trained_tokens", Long.toString(stats.trainedTokens())),
                Map.entry("longest", Integer.toString(stats.longest())),
                Map.entry("median", Integer.toString(stats.median())),
                Map.entry("percentile90", Integer.toString(stats.percentile90())),
                Map.entry("percentile95", Integer.toString(stats.percentile95())),
                Map.entry("percentile99", Integer.toString(stats.percentile99())),
                Map.entry("cut_rows", Long.toString(stats.cutRows())),
                Map.entry("cut_tokens", Long.toString(stats.cutTokens())),
                Map.entry("duplicate_rows", Long.toString(stats.duplicateRows())));
    }

    /// The figures in the metadata of tokens.
    static DatasetStats stats(TokenShard shard) {
        Map<String, String> origin = shard.origin();
        return new DatasetStats(
                number(origin, "rows"),
                number(origin, "tokens"),
                number(origin, "trained_tokens"),
                (int) number(origin, "longest"),
                (int) number(origin, "median"),
                (int) number(origin, "percentile95"),
                number(origin, "cut_rows"),
                number(origin, "duplicate_rows"),
                (int) number(origin, "percentile90"),
                (int) number(origin, "percentile99"),
                number(origin, "cut_tokens"));
    }

    private static long number(Map<String, String> origin, String key) {
        return Long.parseLong(origin.getOrDefault(key, "0"));
    }
}
