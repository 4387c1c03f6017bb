package dev.tunesmith.contracts.job;

import static dev.tunesmith.contracts.job.Nano.NANO;
import static dev.tunesmith.contracts.job.Nano.STATS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.TestingJson;
import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.contracts.care.Groups;
import dev.tunesmith.contracts.fit.Depth;
import dev.tunesmith.contracts.optim.Setting;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Every option of a job sets the value that it names, and nothing that does not follow from it.
final class OptionsTest {
    /// What an option needs beside itself, and which other values follow from it.
    private record Company(String needed, Set<String> following) {
        static final Company NONE = new Company("", Set.of());
    }

    private static final String CONVERTED =
            "\"mixture_of_depths\":\"convert\",\"adapter\":\"none\"";

    private static final Map<String, Company> COMPANY =
            Map.ofEntries(
                    Map.entry("rank", new Company("", Set.of("alpha"))),
                    Map.entry(
                            "adapter",
                            new Company("", Set.of("double_quantization", "quantization"))),
                    Map.entry(
                            "quantization",
                            new Company("", Set.of("adapter", "double_quantization"))),
                    Map.entry("adam_beta1", new Company("", Set.of("optimizer"))),
                    Map.entry("adam_beta2", new Company("", Set.of("optimizer"))),
                    Map.entry("adam_epsilon", new Company("", Set.of("optimizer"))),
                    Map.entry(
                            "double_quantization", new Company("\"adapter\":\"qlora\"", Set.of())),
                    Map.entry("max_seq_len", new Company("", Set.of())),
                    Map.entry("packing", new Company("", Set.of("planned_steps", "save_steps"))),
                    Map.entry("warmup_steps", new Company("", Set.of("warmup_ratio"))),
                    Map.entry(
                            "val_size",
                            new Company("", Set.of("planned_steps", "save_steps", "eval_steps"))),
                    Map.entry(
                            "micro_batch", new Company("", Set.of("gradient_accumulation_steps"))),
                    Map.entry(
                            "gradient_accumulation_steps", new Company("", Set.of("micro_batch"))),
                    Map.entry("max_steps", new Company("", Set.of("planned_steps", "save_steps"))),
                    Map.entry(
                            "optimizer",
                            new Company("", Set.of("learning_rate", "adam_beta2", "adam_epsilon"))),
                    Map.entry("gradient_checkpointing", new Company("", Set.of("recompute"))),
                    Map.entry("recompute", new Company("", Set.of("gradient_checkpointing"))),
                    Map.entry("shifted_attention", new Company("", Set.of("attention_group"))),
                    Map.entry(
                            "attention_group", new Company("\"shifted_attention\":true", Set.of())),
                    Map.entry("mixture_of_depths", new Company("", Set.of("depth_loss_weight"))),
                    Map.entry("depth_every", new Company(CONVERTED, Set.of())),
                    Map.entry("depth_capacity", new Company(CONVERTED, Set.of())),
                    Map.entry("depth_loss_weight", new Company(CONVERTED, Set.of())),
                    Map.entry("loss_type", new Company("", Set.of())),
                    Map.entry("asft_alpha", new Company("\"loss_type\":\"asft\"", Set.of())),
                    Map.entry("eaft_alpha", new Company("\"loss_type\":\"eaft\"", Set.of())),
                    Map.entry("guard_window", new Company("\"guard_threshold\":5", Set.of())),
                    Map.entry("guard_factor", new Company("\"loss_guard\":\"lower\"", Set.of())),
                    Map.entry("guard_steps", new Company("\"loss_guard\":\"lower\"", Set.of())),
                    Map.entry("ema_start", new Company("\"ema_decay\":0.9", Set.of())),
                    Map.entry("ema_evaluate", new Company("\"ema_decay\":0.9", Set.of())),
                    Map.entry("ema_export", new Company("\"ema_decay\":0.9", Set.of())),
                    Map.entry("load_best_at_end", new Company("\"val_size\":0.1", Set.of())),
                    Map.entry("keep_best", new Company("\"val_size\":0.1", Set.of())),
                    Map.entry("early_stopping_patience", new Company("\"val_size\":0.1", Set.of())),
                    Map.entry(
                            "early_stopping_min_delta",
                            new Company(
                                    "\"val_size\":0.1,\"early_stopping_patience\":2", Set.of())));

    private static final Map<String, Object> OTHER =
            Map.ofEntries(
                    Map.entry("adapter", "qlora"),
                    Map.entry("target_modules", List.of("q_proj", "v_proj")),
                    Map.entry("exclude_modules", List.of("o_proj")),
                    Map.entry("modules_to_save", List.of("embed_tokens")),
                    Map.entry("trainable_layers", List.of(1, 2)),
                    Map.entry("rank_pattern", Map.of("q_proj", 4)),
                    Map.entry("alpha_pattern", Map.of("q_proj", 2.0)),
                    Map.entry("loraplus_lr_embedding", 1e-5),
                    Map.entry("rank", 24),
                    Map.entry("alpha", 7.5),
                    Map.entry("dropout", 0.25),
                    Map.entry("use_rslora", true),
                    Map.entry("export", "merged"),
                    Map.entry("quantization", "fp4"),
                    Map.entry("double_quantization", false),
                    Map.entry("bias", "all"),
                    Map.entry("loraplus_lr_ratio", 8.0),
                    Map.entry("max_seq_len", 288),
                    Map.entry("packing", true),
                    Map.entry("overflow", "drop"),
                    Map.entry("train_on_prompt", true),
                    Map.entry("val_size", 0.125),
                    Map.entry("shifted_attention", true),
                    Map.entry("attention_group", 64),
                    Map.entry("learning_rate", 3e-4),
                    Map.entry("scheduler", "linear"),
                    Map.entry("warmup_ratio", 0.2),
                    Map.entry("warmup_steps", 11),
                    Map.entry("weight_decay", 0.05),
                    Map.entry("max_grad_norm", 0.75),
                    Map.entry("adam_beta1", 0.85),
                    Map.entry("adam_beta2", 0.97),
                    Map.entry("adam_epsilon", 1e-7),
                    Map.entry("optimizer", "lion"),
                    Map.entry("logging_steps", 5),
                    Map.entry("save_steps", 17),
                    Map.entry("eval_steps", 19),
                    Map.entry("max_steps", 23),
                    Map.entry("precision", "fp32"),
                    Map.entry("micro_batch", 2),
                    Map.entry("gradient_accumulation_steps", 4),
                    Map.entry("gradient_checkpointing", true),
                    Map.entry("recompute", "block"),
                    Map.entry("loss_type", "dft"),
                    Map.entry("label_smoothing", 0.1),
                    Map.entry("neftune_noise_alpha", 5.0),
                    Map.entry("mask_history", true),
                    Map.entry("asft_alpha", 0.3),
                    Map.entry(
                            "chat_template_kwargs",
                            Map.of("enable_thinking", false, "custom", List.of(1, 2))),
                    Map.entry("parse_special_tokens", true),
                    Map.entry("eaft_alpha", 0.5));

    static Stream<Arguments> options() {
        Stream<Arguments> own =
                OTHER.entrySet().stream()
                        .map(option -> Arguments.of(option.getKey(), option.getValue()));
        Stream<Arguments> tables =
                tables().map(setting -> Arguments.of(setting.key(), other(setting)));
        return Stream.concat(own, tables);
    }

    private static Stream<Setting> tables() {
        return Stream.of(Care.SETTINGS, Groups.SETTINGS, Depth.SETTINGS).flatMap(List::stream);
    }

    /// A value that is not the usual one.
    private static Object other(Setting setting) {
        return switch (setting) {
            case Setting.Real(String _, double usual, double _, double _, boolean _) ->
                    usual == 0 ? 0.5 : usual / 2;
            case Setting.Whole(String _, int usual, int _, int _) -> usual + 5;
            case Setting.Flag(String _, boolean usual) -> !usual;
            case Setting.Word(String _, List<String> words) -> words.getLast();
            case Setting.Name _ -> "accuracy";
        };
    }

    private static Map<String, Object> flat(String training) {
        JobSpec spec = Bodies.spec("\"x_training\":{" + training + "}");
        return Resolver.resolve(spec, NANO, STATS, 64L << 30).flat();
    }

    @ParameterizedTest
    @MethodSource("options")
    void setsWhatItNamesAndNothingElse(String key, Object value) throws Exception {
        Company company = COMPANY.getOrDefault(key, Company.NONE);
        String json = TestingJson.MAPPER.writeValueAsString(Map.of(key, value));
        String own = json.substring(1, json.length() - 1);
        Map<String, Object> without = flat(company.needed);
        Map<String, Object> with =
                flat(company.needed.isEmpty() ? own : company.needed + "," + own);

        assertThat(with.get(key)).as(key).isEqualTo(value);
        var changed = new TreeSet<String>();
        var all = new TreeMap<>(without);
        all.putAll(with);
        all.keySet().stream()
                .filter(name ->
                        !String.valueOf(with.get(name)).equals(String.valueOf(without.get(name))))
                .forEach(changed::add);
        changed.removeAll(company.following);
        assertThat(changed).as("what %s has changed", key).containsExactly(key);
    }

    @Test
    void thinkingIsAVariableOfTheTemplate() {
        assertThat(flat("\"enable_thinking\":false").get("chat_template_kwargs"))
                .isEqualTo(Map.of("enable_thinking", false));
        assertThat(
                        flat("\"enable_thinking\":true,\"chat_template_kwargs\":{\"x\":1}")
                                .get("chat_template_kwargs"))
                .isEqualTo(Map.of("enable_thinking", true, "x", 1));
    }

    @Test
    void everyValueThatIsShownIsTested() {
        var tested = new TreeSet<>(OTHER.keySet());
        tables().map(Setting::key).forEach(tested::add);
        var shown = new TreeSet<>(flat("").keySet());
        shown.addAll(flat("\"val_size\":0.1").keySet());
        // What follows from others, or stands elsewhere in a body.
        shown.removeAll(
                Set.of(
                        "planned_steps",
                        "batch_size",
                        "n_epochs",
                        "seed",
                        "learning_rate_multiplier"));
        assertThat(tested).containsAll(shown);
    }
}
