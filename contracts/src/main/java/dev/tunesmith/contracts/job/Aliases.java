package dev.tunesmith.contracts.job;

import java.util.Map;
import java.util.Optional;

/// Names that LLaMA-Factory, PEFT, TRL and torchtune use for our keys.
///
/// A spec file and the API accept our names only and propose them for these; the command line
/// accepts these names in overrides.
public final class Aliases {
    /// Our key by the other name.
    public static final Map<String, String> OF =
            Map.ofEntries(
                    Map.entry("lr", "learning_rate"),
                    Map.entry("cutoff_len", "max_seq_len"),
                    Map.entry("max_length", "max_seq_len"),
                    Map.entry("max_seq_length", "max_seq_len"),
                    Map.entry("r", "rank"),
                    Map.entry("lora_r", "rank"),
                    Map.entry("lora_rank", "rank"),
                    Map.entry("lora_alpha", "alpha"),
                    Map.entry("lora_dropout", "dropout"),
                    Map.entry("lora_target", "target_modules"),
                    Map.entry("finetuning_type", "adapter"),
                    Map.entry("freeze_trainable_layers", "trainable_layers"),
                    Map.entry("freeze_trainable_modules", "trainable_modules"),
                    Map.entry("freeze_extra_modules", "extra_modules"),
                    Map.entry("layers_to_transform", "trainable_layers"),
                    Map.entry("additional_target", "modules_to_save"),
                    Map.entry("shift_attn", "shifted_attention"),
                    Map.entry("lr_scheduler_type", "scheduler"),
                    Map.entry("lr_scheduler", "scheduler"),
                    Map.entry("num_train_epochs", "n_epochs"),
                    Map.entry("epochs", "n_epochs"),
                    Map.entry("per_device_train_batch_size", "micro_batch"),
                    Map.entry("micro_batch_size", "micro_batch"),
                    Map.entry("clip_grad_norm", "max_grad_norm"),
                    Map.entry("dtype", "precision"),
                    Map.entry("enable_activation_checkpointing", "gradient_checkpointing"),
                    Map.entry("rslora", "use_rslora"),
                    Map.entry("quantization_bit", "quantization"),
                    Map.entry("quantization_type", "quantization"),
                    Map.entry("quant_type", "quantization"),
                    Map.entry("bnb_4bit_quant_type", "quantization"),
                    Map.entry("load_in_4bit", "quantization"),
                    Map.entry("bnb_4bit_use_double_quant", "double_quantization"),
                    Map.entry("overlong", "overflow"),
                    Map.entry("group_by_length", "row_order"),
                    Map.entry("dedup", "deduplicate"),
                    Map.entry("validation_split", "val_size"),
                    Map.entry("mixing", "mix_strategy"),
                    Map.entry("datasets", "data"),
                    Map.entry("kto_chosen_weight", "desirable_weight"),
                    Map.entry("kto_rejected_weight", "undesirable_weight"),
                    Map.entry("label_smoothing_factor", "label_smoothing"),
                    Map.entry("neftune_alpha", "neftune_noise_alpha"));

    private Aliases() {}

    /// Our key for another tool's name.
    public static Optional<String> find(String name) {
        return Optional.ofNullable(OF.get(name));
    }
}
