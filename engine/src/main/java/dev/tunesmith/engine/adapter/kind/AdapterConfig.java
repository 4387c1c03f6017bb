package dev.tunesmith.engine.adapter.kind;

import dev.tunesmith.engine.adapter.site.AdapterException;
import dev.tunesmith.engine.adapter.site.Scope;
import dev.tunesmith.engine.adapter.site.Site;
import java.util.Map;
import java.util.TreeMap;

/// What an `adapter_config.json` says, and how an adapter of that kind hooks into the layers.
///
/// Adding a kind is a record of this interface and a line in the table of [Kinds].
public sealed interface AdapterConfig
        permits LoraConfig,
                AdaLoraConfig,
                VeraConfig,
                Ia3Config,
                OftConfig,
                BoftConfig,
                TokensConfig,
                PromptConfig {

    /// Reads the tree of an `adapter_config.json`. Keys that nobody knows are ignored; known ones
    /// that change the maths and are not implemented are refused.
    ///
    /// @throws AdapterException with every reason why it cannot be used
    static AdapterConfig read(Map<String, Object> tree) {
        return Kinds.read(tree);
    }

    /// The kind in files.
    String peftType();

    /// Where the adapter applies.
    Scope scope();

    /// Hooks a new adapter, or the one that is being loaded, into the layers.
    void attach(Site site);

    /// Adds what is special of this kind to the tree of an `adapter_config.json`.
    void write(Map<String, Object> tree);

    /// The same without anything random.
    AdapterConfig withoutDropout();

    /// The tree of an `adapter_config.json`, keys sorted.
    default Map<String, Object> toTree() {
        Map<String, Object> tree = new TreeMap<>();
        tree.put("peft_type", peftType());
        tree.put("task_type", "CAUSAL_LM");
        tree.put("base_model_name_or_path", scope().base());
        tree.put("inference_mode", true);
        scope().targets().write(tree);
        if (!scope().savedModules().isEmpty()) {
            tree.put("modules_to_save", scope().savedModules());
        }
        write(tree);
        return tree;
    }
}
