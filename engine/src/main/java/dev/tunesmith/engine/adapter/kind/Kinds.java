package dev.tunesmith.engine.adapter.kind;

import dev.tunesmith.engine.adapter.site.AdapterException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/// The table of all kinds of adapters, by `peft_type`.
final class Kinds {

    private static final Map<String, Function<Settings, AdapterConfig>> READERS =
            new TreeMap<>(
                    Map.ofEntries(
                            Map.entry("LORA", LoraConfig::read),
                            Map.entry("ADALORA", AdaLoraConfig::read),
                            Map.entry("VERA", VeraConfig::read),
                            Map.entry("IA3", Ia3Config::read),
                            Map.entry("OFT", OftConfig::read),
                            Map.entry("BOFT", BoftConfig::read),
                            Map.entry("TRAINABLE_TOKENS", TokensConfig::read),
                            Map.entry("PROMPT_TUNING", PromptConfig::readPrompt),
                            Map.entry("P_TUNING", PromptConfig::readEncoded),
                            Map.entry("PREFIX_TUNING", PromptConfig::readPrefix)));

    private Kinds() {}

    static AdapterConfig read(Map<String, Object> tree) {
        Function<Settings, AdapterConfig> reader =
                READERS.get(String.valueOf(tree.get("peft_type")));
        if (reader == null) {
            throw new AdapterException(
                    "adapter_config.json",
                    List.of(
                            "peft_type %s is not supported (supported: %s)"
                                    .formatted(
                                            tree.get("peft_type"),
                                            String.join(", ", READERS.keySet()))));
        }
        return reader.apply(new Settings(tree));
    }
}
